"""A ProxyConfig as what Envoy reads: clusters, routes and listeners. Pure and deterministic:
equal in, equal bytes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skerry.integrations.gateway.clusters import cluster
from skerry.integrations.gateway.doors import door_listener
from skerry.integrations.gateway.listeners import Certificate, http_listener, https_listener
from skerry.integrations.gateway.names import name_listener
from skerry.integrations.gateway.routes import route_table
from skerry.integrations.gateway.shapes import Resource, typed
from skerry.model.proxy import Address, ProxyConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the gateway needs to know besides what it serves. Paths as Envoy opens them."""

    http: Address
    https: Address
    routes_file: str
    log_file: str
    resolvers: Sequence[Address]
    fallback: Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """One list per file."""

    clusters: tuple[Resource, ...]
    routes: tuple[Resource, ...]
    listeners: tuple[Resource, ...]


def resources(
    config: ProxyConfig, certificates: Mapping[str, Certificate], around: Surroundings
) -> Resources:
    """Everything Envoy serves for this configuration. Hosts without a certificate are served
    over HTTP, and over HTTPS with the fallback's."""
    backends = {backend.name: backend for backend in config.backends}
    return Resources(
        clusters=tuple(
            _of("config.cluster.v3.Cluster", cluster(backends[name])) for name in sorted(backends)
        ),
        routes=(_of("config.route.v3.RouteConfiguration", route_table(config.routes)),),
        listeners=tuple(
            _of("config.listener.v3.Listener", listener)
            for listener in _listeners(config, certificates, around)
        ),
    )


def _listeners(
    config: ProxyConfig,
    certificates: Mapping[str, Certificate],
    around: Surroundings,
) -> list[Resource]:
    protocols = {backend.name: backend.protocol for backend in config.backends}
    files = {"routes_file": around.routes_file, "log_file": around.log_file}
    doors = sorted(config.doors, key=lambda door: door.address)
    names = sorted(config.names, key=lambda table: table.resolver)
    return [
        http_listener(around.http, **files),
        https_listener(around.https, certificates, fallback=around.fallback, **files),
        *(
            door_listener(door, protocols.get(door.backend, "tcp"), log_file=around.log_file)
            for door in doors
        ),
        *(name_listener(table, resolvers=around.resolvers) for table in names),
    ]


def _of(kind: str, resource: Resource) -> Resource:
    return typed(kind, **resource)
