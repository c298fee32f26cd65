"""Objects and ready replicas, as the configuration of the gateway. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

from skerry.engines.local.addresses import Book
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import PROTOCOL, Manifest, annotation, owner_of
from skerry.model.proxy import (
    Address,
    Backend,
    Door,
    NameTable,
    ProxyConfig,
    PublicRoute,
    WeightedBackend,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A service as the gateway is to see it."""

    endpoints: tuple[Address, ...] = ()
    protocol: str = "http"
    drain_seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """All a configuration is made from."""

    objects: Mapping[ObjectKey, Manifest]
    serving: Mapping[ServiceKey, Serving] = field(default_factory=dict)
    book: Book = field(default_factory=Book)


def proxy_config(served: Served) -> ProxyConfig:
    """The whole of what the gateway serves; equal inputs, equal configurations."""
    services = sorted(
        (manifest for key, manifest in served.objects.items() if key.kind == "Service"),
        key=lambda manifest: _key(manifest),
    )
    real = [one for one in services if one["spec"].get("type") != "ExternalName"]
    return ProxyConfig(
        backends=tuple(_backend(manifest, served) for manifest in real),
        routes=tuple(_routes(served.objects.values(), {_key(one) for one in real})),
        doors=tuple(door for manifest in real for door in _doors(manifest, served)),
        names=tuple(_names(services, served.book)),
    )


def backend_name(service: ServiceKey) -> str:
    """What a service's backend is called."""
    return f"{service.namespace}/{service.name}"


def _key(manifest: Manifest) -> ServiceKey:
    metadata = manifest["metadata"]
    return ServiceKey(metadata.get("namespace", ""), metadata["name"])


def _backend(manifest: Manifest, served: Served) -> Backend:
    serving = served.serving.get(owner_of(manifest) or _key(manifest), Serving())
    return Backend(
        name=backend_name(_key(manifest)),
        protocol=annotation(manifest, PROTOCOL) or serving.protocol,
        endpoints=tuple(sorted(serving.endpoints)),
        drain_seconds=serving.drain_seconds,
    )


def _doors(manifest: Manifest, served: Served) -> Iterable[Door]:
    service = _key(manifest)
    address = served.book.doors.get(service)
    network = served.book.networks.get(service.namespace)
    if address is None or network is None:
        return
    sources = (network, *_visitors(service, served))
    for port in manifest["spec"].get("ports") or ():
        yield Door(
            address=Address(str(address), int(port["port"])),
            backend=backend_name(service),
            sources=tuple(sorted(set(sources))),
        )


def _visitors(service: ServiceKey, served: Served) -> Iterable[IPv4Network]:
    """The blocks of services elsewhere that a NetworkPolicy of theirs lets in here."""
    for key, policy in served.objects.items():
        if key.kind != "NetworkPolicy" or key.namespace != service.namespace:
            continue
        client = owner_of(policy)
        if client is None or client.namespace == service.namespace:
            continue
        if _selects(policy, service, served.objects):
            yield from served.book.blocks.get(client, ())


def _selects(policy: Manifest, service: ServiceKey, objects: Mapping[ObjectKey, Manifest]) -> bool:
    selector = (policy["spec"].get("podSelector") or {}).get("matchLabels") or {}
    target = objects.get(ObjectKey("Service", service.namespace, service.name))
    chosen = dict((target or {}).get("spec", {}).get("selector") or {})
    return bool(selector) and selector.items() <= chosen.items()


def _routes(objects: Iterable[Manifest], known: set[ServiceKey]) -> Iterable[PublicRoute]:
    found: list[PublicRoute] = []
    for manifest in objects:
        if manifest["kind"] == "HTTPRoute":
            found.extend(_of_http_route(manifest, known))
        elif manifest["kind"] == "Ingress":
            found.extend(_of_ingress(manifest, known))
    return sorted(found, key=lambda route: (route.host, route.path))


def _of_http_route(manifest: Manifest, known: set[ServiceKey]) -> Iterable[PublicRoute]:
    namespace = manifest["metadata"].get("namespace", "")
    for host in manifest["spec"].get("hostnames") or ():
        for rule in manifest["spec"].get("rules") or ():
            backends = _weighted(rule.get("backendRefs") or (), namespace, known)
            matches: Sequence[Any] = rule.get("matches") or ({},)
            for match in matches:
                path = (match.get("path") or {}).get("value", "/")
                if backends:
                    yield PublicRoute(host=host, path=path, backends=backends)


def _weighted(
    references: Sequence[Mapping[str, Any]], namespace: str, known: set[ServiceKey]
) -> tuple[WeightedBackend, ...]:
    """A route leads into its own namespace only, as on a cluster without a ReferenceGrant."""
    return tuple(
        WeightedBackend(backend=backend_name(service), weight=int(reference.get("weight", 1)))
        for reference in references
        if reference.get("namespace", namespace) == namespace
        and (service := ServiceKey(namespace, reference["name"])) in known
    )


def _of_ingress(manifest: Manifest, known: set[ServiceKey]) -> Iterable[PublicRoute]:
    namespace = manifest["metadata"].get("namespace", "")
    for rule in manifest["spec"].get("rules") or ():
        for path in (rule.get("http") or {}).get("paths") or ():
            service = ServiceKey(namespace, path["backend"]["service"]["name"])
            if service in known:
                backends = (WeightedBackend(backend=backend_name(service)),)
                yield PublicRoute(host=rule["host"], path=path.get("path", "/"), backends=backends)


def _names(services: Sequence[Manifest], book: Book) -> Iterable[NameTable]:
    for namespace, resolver in sorted(book.resolvers.items()):
        names = {}
        for manifest in services:
            if _key(manifest).namespace != namespace:
                continue
            target = _target(manifest)
            address = book.doors.get(target)
            if address is None:
                continue
            full = f"{target.name}.{target.namespace}"
            names[_key(manifest).name] = address
            names[full] = names[f"{full}.svc"] = names[f"{full}.svc.cluster.local"] = address
        yield NameTable(resolver=resolver, names=tuple(sorted(names.items())))


def _target(manifest: Manifest) -> ServiceKey:
    if manifest["spec"].get("type") != "ExternalName":
        return _key(manifest)
    name, _, rest = str(manifest["spec"]["externalName"]).partition(".")
    return ServiceKey(rest.partition(".")[0], name)
