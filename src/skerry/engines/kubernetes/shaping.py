"""What a wide watch keeps of each object: what the observer reads, so that ten thousand
services fit in memory. Pure, and equal parts are one object."""

from collections.abc import Mapping, Sequence
from sys import intern
from typing import Any, Final

from skerry.engines.kubernetes.folding import set_facts, template_digest
from skerry.model.objects import INVENTORY, Manifest

TEMPLATE_DIGEST: Final = "skerry.dev/whole-template"
"""On a Deployment that was cut: the digest of its template as it was. In memory only."""
_METADATA: Final = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "labels",
    "ownerReferences",
    "deletionTimestamp",
    "creationTimestamp",
)
_POD_STATUS: Final = (
    "phase",
    "reason",
    "podIP",
    "startTime",
    "conditions",
    "containerStatuses",
    "initContainerStatuses",
)
_CONTAINER_STATUS: Final = ("name", "image", "ready", "restartCount", "state", "lastState")
_EVENT: Final = (
    "kind",
    "type",
    "reason",
    "message",
    "lastTimestamp",
    "eventTime",
    "firstTimestamp",
    "series",
)
_DROPPED: Final = frozenset({INVENTORY, "kubectl.kubernetes.io/last-applied-configuration"})


def shape_deployment(raw: dict[str, Any]) -> dict[str, Any]:
    """Its template keeps what a look shows: images, checks, volumes and marks."""
    spec, template = raw["spec"], raw["spec"]["template"]
    made = _made(raw)
    annotations = made["metadata"].setdefault("annotations", {})
    annotations[TEMPLATE_DIGEST] = template_digest(raw)
    pod = template.get("spec") or {}
    kept = {
        "containers": [
            _of(each, ("name", "image", "readinessProbe")) for each in pod.get("containers") or ()
        ]
    }
    if volumes := [each for each in pod.get("volumes") or () if "persistentVolumeClaim" in each]:
        kept["volumes"] = volumes
    made["spec"] = {
        **_of(spec, ("replicas", "paused", "progressDeadlineSeconds")),
        "strategy": {"type": intern((spec.get("strategy") or {}).get("type", ""))},
        "template": {
            "metadata": _of(template.get("metadata") or {}, ("annotations",)),
            "spec": kept,
        },
    }
    made["status"] = _of(raw.get("status") or {}, ("observedGeneration", "conditions"))
    return made


def shape_replica_set(raw: dict[str, Any]) -> dict[str, Any]:
    """Only its facts; nothing at all of one that holds no pod and wants none."""
    facts = set_facts(raw)
    made: dict[str, Any] = {"kind": "ReplicaSet", "metadata": _identity(raw)}
    status = raw.get("status") or {}
    if raw["spec"].get("replicas") or status.get("replicas") or facts.failure is not None:
        made["facts"] = facts
    return made


def shape_pod(raw: dict[str, Any]) -> dict[str, Any]:
    """Its status; of its spec only which container is the service's own, and where it runs."""
    made, status = _made(raw), raw.get("status") or {}
    containers: Sequence[Mapping[str, Any]] = (raw.get("spec") or {}).get("containers") or ({},)
    made["spec"] = {"containers": [{"name": intern(containers[0].get("name", ""))}]}
    kept = _of(status, _POD_STATUS)
    for part in ("containerStatuses", "initContainerStatuses"):
        if part in kept:
            kept[part] = [_of(each, _CONTAINER_STATUS) for each in kept[part]]
    made["status"] = kept
    return made


def shape_autoscaler(raw: dict[str, Any]) -> dict[str, Any]:
    """Its bounds and what it wants."""
    made = _made(raw)
    made["spec"] = _of(raw["spec"], ("minReplicas", "maxReplicas"))
    made["status"] = _of(raw.get("status") or {}, ("desiredReplicas", "currentReplicas"))
    return made


def shape_claim(raw: dict[str, Any]) -> dict[str, Any]:
    """A volume claim's phase."""
    made = _made(raw)
    made["status"] = _of(raw.get("status") or {}, ("phase",))
    return made


def shape_event(raw: dict[str, Any]) -> dict[str, Any]:
    """What was said about which object, when."""
    about = _of(raw.get("involvedObject") or {}, ("kind", "namespace", "name"))
    return {**_of(raw, _EVENT), "metadata": _identity(raw), "involvedObject": about}


def _made(raw: Manifest) -> dict[str, Any]:
    metadata = _of(raw["metadata"], _METADATA)
    annotations = raw["metadata"].get("annotations") or {}
    if kept := {name: annotations[name] for name in annotations if name not in _DROPPED}:
        metadata["annotations"] = kept
    made = {"apiVersion": intern(raw.get("apiVersion", "")), "kind": intern(raw["kind"])}
    return {**made, "metadata": metadata}


def _identity(raw: Manifest) -> dict[str, Any]:
    return _of(raw["metadata"], ("name", "namespace", "resourceVersion", "creationTimestamp"))


def _of(whole: Mapping[str, Any], parts: tuple[str, ...]) -> dict[str, Any]:
    return {part: _one(whole[part]) for part in parts if part in whole}


def _one(value: Any) -> Any:
    """Texts many objects share are kept once: conditions, labels, reasons, images."""
    if isinstance(value, str):
        return intern(value)
    if isinstance(value, dict):
        return {intern(key): _one(each) for key, each in value.items() if key != "managedFields"}
    return [_one(each) for each in value] if isinstance(value, list) else value


def shape_whole(raw: dict[str, Any]) -> dict[str, Any]:
    """All of it but the notes on who wrote which field, which are longer than the rest."""
    raw["metadata"].pop("managedFields", None)
    return raw
