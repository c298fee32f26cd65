"""How far a replica's containers are shut in.

Restricted, as Pod Security Standards call it: never as root, no capability. Baseline allows
root, which most images want. Neither lets a process gain privileges it did not start with.
"""

from typing import Any, Final

from skerry.compiler.subject import Subject

FIRST_OPEN_PORT: Final = 1024
VOLUME_GROUP: Final = 65532
"""Owns the files on volumes beside the image's user: a fresh volume belongs to root. Any
number serves that no image's own group is likely to have."""

_SECCOMP: Final[dict[str, Any]] = {"type": "RuntimeDefault"}
_POD_BASELINE: Final[dict[str, Any]] = {"seccompProfile": _SECCOMP}
_POD_RESTRICTED: Final[dict[str, Any]] = {"runAsNonRoot": True, "seccompProfile": _SECCOMP}
_BASELINE: Final[dict[str, Any]] = {"allowPrivilegeEscalation": False}
_RESTRICTED: Final[dict[str, Any]] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
_LOW_PORTS: Final = [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
_GROUP: Final = {"fsGroup": VOLUME_GROUP, "fsGroupChangePolicy": "OnRootMismatch"}


def pod_security(subject: Subject) -> dict[str, Any]:
    """The pod's security context. A restricted one may still write to its volumes, and listen
    on a low port, which without root takes a (safe) sysctl."""
    if not subject.cell.restricted:
        return _POD_BASELINE
    service = subject.service
    made = _POD_RESTRICTED
    if service.volumes:
        made = {**made, **_GROUP}
    if service.listens is not None and service.listens < FIRST_OPEN_PORT:
        made = {**made, "sysctls": _LOW_PORTS}
    return made


def container_security(subject: Subject) -> dict[str, Any]:
    """The container's security context."""
    return _RESTRICTED if subject.cell.restricted else _BASELINE
