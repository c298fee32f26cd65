"""The engine's memory, in Kubernetes' shape. Pure."""

from collections.abc import Mapping, Sequence, Set
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
from skerry.model.proxy import Address

# A replica that stands in the wrong place runs the right template, and is replaced all the
# same: its hash says so.
_MISPLACED = "-moved"


def pod(replica: Replica, served: Set[Address]) -> Manifest:
    """A replica as Kubernetes would show it. What it shows of its traffic is what the gateway
    does, not what it is about to be told: ready when it is `served`, leaving when it no
    longer is."""
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
    # One that has a successor shows its leaving in the same moment as the other's coming.
    if replica.retiring is not None and (replica.surplus or replica.address not in served):
        metadata["deletionTimestamp"] = _time(replica.retiring)
        metadata["annotations"] = {"skerry.dev/retiring": replica.retiring_reason}
    status: dict[str, Any] = {
        "phase": "Running" if replica.phase is Phase.RUNNING else "Pending",
        "startTime": _time(replica.born),
        "conditions": [_ready(replica, served)],
        "containerStatuses": [_container(replica, served)],
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


def with_status(
    deployment: Manifest, replicas: Sequence[Replica], *, wanted: int, served: Set[Address]
) -> Manifest:
    """The Deployment with its `status`."""
    current = template_hash(deployment)
    live = [replica for replica in replicas if replica.retiring is None]
    ready = sum(takes_traffic(replica, served) for replica in live)
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


def takes_traffic(replica: Replica, served: Set[Address]) -> bool:
    """Whether it is well, and requests reach it; a worker is merely well."""
    return replica.ready and (replica.address is None or replica.address in served)


def _ready(replica: Replica, served: Set[Address]) -> dict[str, Any]:
    """As in Kubernetes, the time moves only when the condition turns: a replica that never
    was ready still shows the time it was made."""
    ready = takes_traffic(replica, served)
    condition = {
        "type": "Ready",
        "status": "True" if ready else "False",
        "lastTransitionTime": _time(replica.turned or replica.born),
    }
    if not ready:
        condition["reason"] = "ContainersNotReady"
        condition["message"] = replica.probe_said or replica.message
        if replica.ready:
            condition["message"] = "passes its check, the gateway is being told"
    return condition


def _container(replica: Replica, served: Set[Address]) -> Mapping[str, Any]:
    status: dict[str, Any] = {
        "name": replica.service.name,
        "image": replica.care.image,
        "ready": takes_traffic(replica, served),
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
