"""The engine's memory, in Kubernetes' shape. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from skerry.engines.local.replica import Ended, Phase, Replica
from skerry.model.objects import (
    APP_NAME,
    FIELD_MANAGER,
    MANAGED_BY,
    SERVICE,
    TEMPLATE_HASH,
    Manifest,
    template_hash,
)

# A replica that stands in the wrong place runs the right template, and is replaced all the
# same: its hash says so.
_MISPLACED = "-moved"


def pod(replica: Replica) -> Manifest:
    """A replica as Kubernetes would show it."""
    metadata: dict[str, Any] = {
        "name": replica.pod,
        "namespace": replica.service.namespace,
        "creationTimestamp": _time(replica.born),
        "labels": {
            APP_NAME: replica.service.name,
            MANAGED_BY: FIELD_MANAGER,
            SERVICE: replica.service.name,
            TEMPLATE_HASH: replica.hash + (_MISPLACED if replica.misplaced else ""),
        },
    }
    if replica.retiring is not None:
        metadata["deletionTimestamp"] = _time(replica.retiring)
        metadata["annotations"] = {"skerry.dev/retiring": replica.retiring_reason}
    status: dict[str, Any] = {
        "phase": "Running" if replica.phase is Phase.RUNNING else "Pending",
        "startTime": _time(replica.born),
        "conditions": [_ready(replica)],
        "containerStatuses": [_container(replica)],
    }
    if replica.crashes.total and replica.phase is not Phase.RUNNING:
        status["phase"] = "Running"  # the pod runs, its container waits: as in Kubernetes
    if replica.address is not None:
        status["podIP"] = replica.address.host
    elif replica.ip is not None:
        status["podIP"] = str(replica.ip)
    container = {"name": replica.service.name, "image": replica.care.image}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [container]},
        "status": status,
    }


def with_status(deployment: Manifest, replicas: Sequence[Replica], *, wanted: int) -> Manifest:
    """The Deployment with its `status`."""
    current = template_hash(deployment)
    live = [replica for replica in replicas if replica.retiring is None]
    ready = sum(replica.ready for replica in live)
    status = {
        "replicas": len(live),
        "updatedReplicas": sum(
            replica.hash == current and not replica.misplaced for replica in live
        ),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": max(0, wanted - ready),
    }
    return {**deployment, "status": status}


def _ready(replica: Replica) -> dict[str, Any]:
    """As in Kubernetes, the time moves only when the condition turns: a replica that never
    was ready still shows the time it was made."""
    condition = {
        "type": "Ready",
        "status": "True" if replica.ready else "False",
        "lastTransitionTime": _time(replica.turned or replica.born),
    }
    if not replica.ready:
        condition["reason"] = "ContainersNotReady"
        condition["message"] = replica.probe_said or replica.message
    return condition


def _container(replica: Replica) -> Mapping[str, Any]:
    status: dict[str, Any] = {
        "name": replica.service.name,
        "image": replica.care.image,
        "ready": replica.ready,
        "restartCount": replica.crashes.total,
        "state": _state(replica),
        "lastState": {},
    }
    if replica.last is not None:
        status["lastState"] = {"terminated": _terminated(replica.last)}
    return status


def _state(replica: Replica) -> dict[str, Any]:
    if replica.phase is Phase.RUNNING:
        return {"running": {"startedAt": _time(replica.started or replica.born)}}
    return {
        "waiting": {
            "reason": replica.reason or "ContainerCreating",
            "message": replica.message,
        }
    }


def _terminated(ended: Ended) -> dict[str, Any]:
    terminated = {
        "exitCode": ended.exit_code,
        "reason": ended.reason,
        "message": ended.message,
        "finishedAt": _time(ended.finished),
    }
    if ended.started is not None:
        terminated["startedAt"] = _time(ended.started)
    return terminated


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
