"""A Deployment, read: what its containers are and how its replicas are looked after. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from skerry.engines.local.rollout import surge_of
from skerry.model.keys import ObjectKey, ServiceKey, parse_service_key
from skerry.model.objects import (
    DEPENDS,
    DRAIN,
    PROTOCOL,
    Manifest,
    annotation,
    owner_of,
    template_hash,
)

# Kubernetes' default, in force where a Deployment says nothing.
GRACE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How a replica is asked whether it can take traffic. `kind`: http, tcp, exec or none
    (none: it runs). `start_seconds`: what a new one gets to pass its first check. Failed
    checks in a row take it out of the traffic, and, when more, restart it."""

    kind: str = "none"
    path: str = "/"
    port: int = 0
    command: tuple[str, ...] = ()
    interval_seconds: float = 5.0
    timeout_seconds: float = 2.0
    start_seconds: float = 30.0
    failures: int = 3
    unready_failures: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """How a replica is looked after for as long as it lives, whatever is wanted by then."""

    image: str
    port: int | None
    protocol: str
    check: Check
    drain_seconds: float
    grace_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A Deployment with all that the engine decides from. `crossing`: it depends on something
    in another namespace, so its replicas get addresses from a block of their own."""

    service: ServiceKey
    hash: str
    template: Mapping[str, Any]
    replicas: int
    surge: int
    recreate: bool
    crossing: bool
    care: Care


def read_workload(deployment: Manifest, objects: Mapping[ObjectKey, Manifest]) -> Workload | None:
    """What a Deployment asks for; None when it is no service of Skerry's."""
    service = owner_of(deployment)
    if service is None:
        return None
    spec = deployment["spec"]
    replicas = spec.get("replicas")
    if replicas is None:
        replicas = _autoscaled_minimum(deployment, objects)
    crossing = any(
        policy["kind"] == "NetworkPolicy"
        and policy["metadata"].get("namespace") != service.namespace
        and owner_of(policy) == service
        for policy in objects.values()
    )
    return Workload(
        service=service,
        hash=template_hash(deployment),
        template=spec["template"],
        replicas=replicas,
        surge=surge_of(replicas),
        recreate=(spec.get("strategy") or {}).get("type") == "Recreate",
        crossing=crossing,
        care=read_care(deployment),
    )


def depends_elsewhere(deployment: Manifest) -> bool:
    """Whether its document names a service of another namespace."""
    namespace = deployment["metadata"].get("namespace", "")
    written = orjson.loads(annotation(deployment, DEPENDS) or "[]")
    return any(parse_service_key(one).namespace != namespace for one in written)


def care_to_json(care: Care) -> dict[str, Any]:
    """The form kept on the container, for whoever adopts it."""
    return asdict(care)


def care_from_json(kept: Mapping[str, Any]) -> Care:
    """What `care_to_json` wrote."""
    check = dict(kept["check"])
    check["command"] = tuple(check["command"])
    return Care(**{**kept, "check": Check(**check)})


def _autoscaler(deployment: Manifest, objects: Mapping[ObjectKey, Manifest]) -> Manifest | None:
    metadata = deployment["metadata"]
    name, namespace = metadata["name"], metadata.get("namespace", "")
    usual = objects.get(ObjectKey("HorizontalPodAutoscaler", namespace, name))
    candidates = [usual] if usual else objects.values()
    for manifest in candidates:
        if (
            manifest["kind"] == "HorizontalPodAutoscaler"
            and manifest["metadata"].get("namespace", "") == namespace
            and manifest["spec"]["scaleTargetRef"]["name"] == name
        ):
            return manifest
    return None


def _autoscaled_minimum(deployment: Manifest, objects: Mapping[ObjectKey, Manifest]) -> int:
    autoscaler = _autoscaler(deployment, objects)
    return 1 if autoscaler is None else int(autoscaler["spec"].get("minReplicas", 1))


def read_care(deployment: Manifest) -> Care:
    """How replicas of a Deployment are looked after."""
    pod = deployment["spec"]["template"]["spec"]
    container = pod["containers"][0]
    ports = container.get("ports") or ()
    port = int(ports[0]["containerPort"]) if ports else None
    drain = annotation(deployment, DRAIN)
    grace = float(pod.get("terminationGracePeriodSeconds", GRACE_SECONDS))
    drain_seconds = grace if drain is None else float(drain)
    return Care(
        image=container["image"],
        port=port,
        protocol=annotation(deployment, PROTOCOL) or "http",
        check=_check(container, port),
        drain_seconds=drain_seconds,
        grace_seconds=max(GRACE_SECONDS, grace - drain_seconds),
    )


def _check(container: Mapping[str, Any], port: int | None) -> Check:
    ready = container.get("readinessProbe")
    live = container.get("livenessProbe")
    start = container.get("startupProbe")
    probe = ready or live or start
    if probe is None:
        return Check()
    steady = ready or live or {}
    first = start or probe
    return Check(
        **_handler(probe, container, port),
        interval_seconds=float(steady.get("periodSeconds", 5)),
        timeout_seconds=float(probe.get("timeoutSeconds", 1)),
        start_seconds=max(
            float(first.get("initialDelaySeconds", 0))
            + float(first.get("periodSeconds", 10)) * float(first.get("failureThreshold", 3)),
            1.0,
        ),
        failures=int((live or {}).get("failureThreshold", 3)),
        unready_failures=int((ready or {}).get("failureThreshold", 2)),
    )


def _handler(
    probe: Mapping[str, Any], container: Mapping[str, Any], port: int | None
) -> dict[str, Any]:
    ports: Sequence[Mapping[str, Any]] = container.get("ports") or ()
    named = {one.get("name"): int(one["containerPort"]) for one in ports}

    def number(written: Any) -> int:
        return written if isinstance(written, int) else named.get(written, port or 0)

    if "exec" in probe:
        return {"kind": "exec", "command": tuple(probe["exec"]["command"])}
    if "httpGet" in probe:
        get = probe["httpGet"]
        return {"kind": "http", "path": get.get("path", "/"), "port": number(get.get("port"))}
    if "tcpSocket" in probe:
        return {"kind": "tcp", "port": number(probe["tcpSocket"].get("port"))}
    if "grpc" in probe:
        return {"kind": "tcp", "port": number(probe["grpc"].get("port"))}
    return {"kind": "none"}
