"""The Deployment: what runs, how it is replaced, and what it may use."""

from functools import lru_cache
from typing import Any, Final

import orjson

from skerry.compiler.configuration import FILES_VOLUME, environment, file_mounts
from skerry.compiler.health import probes, whole_seconds
from skerry.compiler.naming import pod_labels, selector, url
from skerry.compiler.security import container_security, pod_security
from skerry.compiler.subject import Subject
from skerry.model.objects import (
    DEADLINE,
    DEPENDS,
    DRAIN,
    INPUTS,
    PROTOCOL,
    REPOSITORY,
    TEMPLATE,
    URL,
    Manifest,
    digest_of,
)
from skerry.model.service import Service
from skerry.model.units import show_bytes

LOCAL_LEAVE_SECONDS: Final = 5
"""How long a replica of a local cell still serves after it was told to go; a cluster's load
balancers forget it at their own pace, which the cell says."""
STOP_SECONDS: Final = 10
"""From TERM to KILL, after the drain."""
VOLUME_SIZE: Final = "10Gi"
"""What a volume asks for where the cell counts it; a local cell does not."""

# Parts many services share: one value each, for ten thousand of them have to fit.
_RECREATE: Final[dict[str, Any]] = {"type": "Recreate"}
_ROLL_ONE: Final[dict[str, Any]] = {
    "type": "RollingUpdate",
    "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
}
_ROLL_SHARE: Final[dict[str, Any]] = {
    "type": "RollingUpdate",
    "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"},
}


def deployment(subject: Subject, *, inputs: str, files: str | None) -> Manifest:
    """`files` is the name of the ConfigMap, where there is one."""
    service = subject.service
    template = {
        "metadata": {"labels": pod_labels(service)},
        "spec": pod_spec(subject, files=files),
    }
    spec: dict[str, Any] = {
        "selector": {"matchLabels": selector(service)},
        "strategy": _strategy(service),
        "revisionHistoryLimit": 3,
        "progressDeadlineSeconds": whole_seconds(service.deadline),
        "template": template,
    }
    if service.scale.most == service.scale.min:
        spec["replicas"] = service.scale.min
    annotations = _annotations(subject, inputs=inputs, template=template)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": subject.metadata(service.service, annotations),
        "spec": spec,
    }


def pod_spec(subject: Subject, *, files: str | None) -> dict[str, Any]:
    """One container with everything it needs."""
    service = subject.service
    spec: dict[str, Any] = {
        "serviceAccountName": service.service,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _grace(subject),
        "securityContext": pod_security(subject),
        "containers": [_container(subject)],
    }
    if volumes := _volumes(service, files):
        spec["volumes"] = volumes
    if subject.cell.zones or subject.cell.on_kubernetes:
        spec["topologySpreadConstraints"] = _spread(service)
    return spec


def _leave(subject: Subject) -> int:
    """How long a replica serves on, for load balancers to forget it, before it is signalled."""
    if subject.service.listens is None:
        return 0
    if subject.cell.on_kubernetes:
        return whole_seconds(subject.cell.leave)
    return min(LOCAL_LEAVE_SECONDS, whole_seconds(subject.service.drain))


def _grace(subject: Subject) -> int:
    """A cluster counts from the moment it decides; a local cell leaves and drains before."""
    drain = whole_seconds(subject.service.drain) + STOP_SECONDS
    return drain + _leave(subject) if subject.cell.on_kubernetes else drain


@lru_cache(maxsize=64)
def _lifecycle(seconds: int) -> dict[str, Any]:
    return {"preStop": {"sleep": {"seconds": seconds}}}


def volume_claims(subject: Subject) -> list[Manifest]:
    """One claim per volume. They outlive the service."""
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": VOLUME_SIZE}},
    }
    if subject.cell.storage_class is not None:
        spec["storageClassName"] = subject.cell.storage_class
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": subject.metadata(_claim(subject.service, name)),
            "spec": spec,
        }
        for name in sorted(subject.service.volumes)
    ]


def _annotations(subject: Subject, *, inputs: str, template: Manifest) -> dict[str, str]:
    service = subject.service
    found = {
        REPOSITORY: subject.setting.repository,
        INPUTS: inputs,
        TEMPLATE: digest_of(template),
        PROTOCOL: service.protocol.value,
        DEADLINE: f"{service.deadline:g}",
        DRAIN: f"{service.drain:g}",
    }
    if subject.depends:
        depends = [f"{target.key.namespace}/{target.key.name}" for target in subject.depends]
        found[DEPENDS] = orjson.dumps(depends).decode()
    if (public := url(subject)) is not None:
        found[URL] = public
    return found


def _strategy(service: Service) -> dict[str, Any]:
    """A volume has one writer: the old replica goes before the new one comes."""
    if service.volumes:
        return _RECREATE
    return _ROLL_ONE if service.scale.most <= 4 else _ROLL_SHARE


def _container(subject: Subject) -> dict[str, Any]:
    service = subject.service
    amounts = {
        "cpu": f"{service.resources.cpu}m",
        "memory": show_bytes(service.resources.memory),
    }
    container: dict[str, Any] = {
        "name": service.service,
        "image": subject.image,
        "env": environment(subject),
        "resources": {"requests": amounts, "limits": amounts},
        "securityContext": container_security(subject),
        **probes(subject),
    }
    if subject.cell.on_kubernetes:
        # A container that ends says its last lines without anybody asking for its log.
        container["terminationMessagePolicy"] = "FallbackToLogsOnError"
    if service.command:
        container["args"] = list(service.command)
    if service.listens is not None:
        named = {"name": service.protocol.value, "containerPort": service.listens}
        container["ports"] = [{**named, "protocol": "TCP"}]
        container["lifecycle"] = _lifecycle(_leave(subject))
    if mounts := [*file_mounts(subject), *_volume_mounts(service)]:
        container["volumeMounts"] = mounts
    return container


def _volume_mounts(service: Service) -> list[dict[str, Any]]:
    return [
        {"name": f"v-{name}", "mountPath": service.volumes[name]}
        for name in sorted(service.volumes)
    ]


def _volumes(service: Service, files: str | None) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    if files is not None:
        made.append({"name": FILES_VOLUME, "configMap": {"name": files}})
    for name in sorted(service.volumes):
        claim = {"claimName": _claim(service, name)}
        made.append({"name": f"v-{name}", "persistentVolumeClaim": claim})
    return made


def _claim(service: Service, volume: str) -> str:
    """With a dot, which no service's name has: `a-b` + `c` and `a` + `b-c` stay apart."""
    return f"{service.service}.{volume}"


def _spread(service: Service) -> list[dict[str, Any]]:
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector(service)},
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
