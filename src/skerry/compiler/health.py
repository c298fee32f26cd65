"""Probes: when a replica takes traffic, when it is restarted, how long it may take to start."""

from math import ceil
from typing import Any

from skerry.compiler.subject import Subject
from skerry.errors import InvalidDocuments

Probe = dict[str, Any]


def probes(subject: Subject) -> dict[str, Probe]:
    """The container's probes; none for a worker without a command of its own.

    Times are whole seconds, as Kubernetes wants them, rounded up. A replica leaves the
    traffic after two failed checks (one, where one restarts it), before it is restarted.
    """
    check = _check(subject)
    if check is None:
        return {}
    health = subject.service.health
    timeout = whole_seconds(health.timeout)
    interval = whole_seconds(health.interval)
    common = {**check, "timeoutSeconds": timeout, "periodSeconds": interval}
    return {
        "startupProbe": {
            **check,
            "timeoutSeconds": timeout,
            "periodSeconds": 1,
            "failureThreshold": whole_seconds(health.start),
        },
        "readinessProbe": {**common, "failureThreshold": min(2, health.failures)},
        "livenessProbe": {**common, "failureThreshold": health.failures},
    }


def whole_seconds(seconds: float) -> int:
    """At least one, never less than asked for."""
    return max(1, ceil(seconds))


def _check(subject: Subject) -> Probe | None:
    service = subject.service
    if service.health.command:
        return {"exec": {"command": list(service.health.command)}}
    if service.listens is None:
        if service.health.path is not None:
            said = "has a path, and the service listens on no port"
            hint = "give it a port, or check with a command"
            raise InvalidDocuments([subject.problem("health/path", said, hint)])
        return None
    if service.health.path is not None:
        return {"httpGet": {"path": service.health.path, "port": service.listens}}
    return {"tcpSocket": {"port": service.listens}}
