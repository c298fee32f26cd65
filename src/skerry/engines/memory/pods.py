"""Simulated replicas in Kubernetes' shape."""

from datetime import datetime
from typing import Any

from skerry.engines.memory.faults import LAST_LINES, Fault
from skerry.engines.memory.replicas import Replica
from skerry.model.objects import TEMPLATE_HASH, Manifest


def pod(replica: Replica, *, namespace: str, now: datetime) -> Manifest:
    """The pod, as a kubelet would describe it."""
    labels = replica.template["metadata"]["labels"]
    metadata: dict[str, Any] = {
        "name": replica.name,
        "namespace": namespace,
        "labels": {**labels, TEMPLATE_HASH: replica.hash},
        "creationTimestamp": replica.started.isoformat(),
    }
    if replica.gone_at is not None:
        metadata["deletionTimestamp"] = replica.gone_at.isoformat()
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": replica.template["spec"],
        "status": _status(replica, now),
    }


def _status(replica: Replica, now: datetime) -> dict[str, Any]:
    ready = replica.ready(now)
    turned = replica.ready_at if ready else replica.started
    condition = {
        "type": "Ready",
        "status": "True" if ready else "False",
        "lastTransitionTime": turned.isoformat(),
        "message": "connection refused" if replica.fault is Fault.NEVER_READY else "",
    }
    return {
        "phase": "Pending" if replica.fault is Fault.MISSING else "Running",
        "podIP": replica.address,
        "startTime": replica.started.isoformat(),
        "conditions": [condition],
        "containerStatuses": [_container(replica, now, ready=ready)],
    }


def _container(replica: Replica, now: datetime, *, ready: bool) -> dict[str, Any]:
    container = replica.template["spec"]["containers"][0]
    found: dict[str, Any] = {
        "name": container["name"],
        "image": container["image"],
        "ready": ready,
        "restartCount": replica.restarts(now),
        "state": {"running": {"startedAt": replica.started.isoformat()}},
        "lastState": {},
    }
    if replica.fault is Fault.MISSING:
        message = "no such image in any registry"
        found["state"] = {"waiting": {"reason": "ErrImagePull", "message": message}}
    elif replica.fault is Fault.EXITS:
        found["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
        ended = {"exitCode": 1, "reason": "Error", "message": "\n".join(LAST_LINES)}
        found["lastState"] = {"terminated": ended}
    return found
