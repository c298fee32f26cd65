"""One replica: whether it takes traffic, why not, and whether waiting will help."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from shlex import join
from typing import Any, Final

from skerry.model.objects import TEMPLATE_HASH, Manifest
from skerry.model.world import ReplicaState
from skerry.observer.times import moment, span

_PULL: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
)
_CREATE: Final = frozenset(
    {"CreateContainerError", "CreateContainerConfigError", "RunContainerError", "StartError"}
)
_CRASHED: Final = "CrashLoopBackOff"
_ONCE_READY: Final = timedelta(seconds=1.5)
"""Ready turned later than this after the start: it was ready once, and is no more."""
_LINES: Final = 20
_OFTEN: Final = 3
_BACKOFF: Final = re.compile(r"back-off (\S+) restarting failed container")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is known of a replica that is not ready. `failed`: waiting does not help."""

    reason: str
    failed: bool = False


def replica(
    pod: Manifest, *, wanted_hash: str, template: Manifest, release: int | None, now: datetime
) -> ReplicaState:
    """`template` is the wanted pod template: it tells the check of pods that do not carry
    their own spec. `release` is the number of the release wanted."""
    metadata = pod["metadata"]
    status = pod.get("status") or {}
    container = _container(status)
    updated = metadata["labels"].get(TEMPLATE_HASH) == wanted_hash
    draining = metadata.get("deletionTimestamp") is not None
    ready = _condition(status).get("status") == "True" and not draining
    check = _check(pod.get("spec") or {}) or _check(template.get("spec") or {}) or "its start"
    verdict = _judge(status, check=check, ready=ready, draining=draining, now=now)
    return ReplicaState(
        name=metadata["name"],
        ready=ready,
        reason=verdict.reason,
        address=status.get("podIP"),
        release=release if updated else None,
        restarts=int(container.get("restartCount", 0)),
        since=moment(status.get("startTime")),
        draining=draining,
        updated=updated,
        failed=verdict.failed,
        last_lines=() if ready else _last_lines(container),
    )


def cooling_down(pod: Manifest) -> bool:
    """Whether it crashed so often that its next try has to wait."""
    container = _container(pod.get("status") or {})
    waiting = (container.get("state") or {}).get("waiting") or {}
    often = int(container.get("restartCount", 0)) >= _OFTEN
    return waiting.get("reason") == _CRASHED and often


def turned(pod: Manifest) -> datetime | None:
    """When it last became ready, or stopped being so."""
    return moment(_condition(pod.get("status") or {}).get("lastTransitionTime"))


def _judge(
    status: Mapping[str, Any], *, check: str, ready: bool, draining: bool, now: datetime
) -> Verdict:
    container = _container(status)
    if draining:
        return Verdict(reason="finishes its work before it is stopped")
    if ready:
        return Verdict(reason=_ready(container))
    state = container.get("state") or {}
    if waiting := state.get("waiting"):
        return _waiting(waiting, container, ever_ready=_ever_ready(status))
    if terminated := state.get("terminated"):
        failed = not _ever_ready(status)
        return Verdict(reason=exit_reason(terminated), failed=failed)
    if running := state.get("running"):
        return _running(running, status, check=check, now=now)
    for condition in status.get("conditions", ()):
        if condition.get("reason") == "Unschedulable":
            return Verdict(reason=f"finds no place: {condition.get('message', '')}")
    return Verdict(reason="is about to start")


def _ready(container: Mapping[str, Any]) -> str:
    restarts = int(container.get("restartCount", 0))
    last = (container.get("lastState") or {}).get("terminated")
    if not restarts or not last:
        return "ready"
    return f"ready; restarted {_times(restarts)}, the last time because it {exit_reason(last)}"


def _waiting(
    waiting: Mapping[str, Any], container: Mapping[str, Any], *, ever_ready: bool
) -> Verdict:
    reason = waiting.get("reason", "")
    message = str(waiting.get("message", "")).strip()
    if reason in _PULL:
        image = container.get("image", "its image")
        return Verdict(reason=_with(f"cannot get image {image}", message), failed=True)
    if reason in _CREATE:
        return Verdict(reason=_with("cannot be started", message), failed=True)
    if reason == _CRASHED:
        last = (container.get("lastState") or {}).get("terminated") or {}
        said = _crashes(message, int(container.get("restartCount", 0)))
        ended = exit_reason(last) if last else ""
        return Verdict(reason=f"{said}; {ended}" if ended else said, failed=not ever_ready)
    if reason in {"ContainerCreating", "PodInitializing", ""}:
        return Verdict(reason=_with("is being created", message))
    return Verdict(reason=_with(f"waits: {reason}", message))


def _crashes(message: str, count: int) -> str:
    """Engines may say it themselves; Kubernetes' back-off is put in fewer words."""
    if message.startswith("crashed"):
        return message
    said = f"crashed {_times(count)}" if count else "crashed"
    if backoff := _BACKOFF.match(message):
        return f"{said}, the next try comes after {backoff[1]}"
    return f"{said}, {message}" if message else said


def _running(
    running: Mapping[str, Any], status: Mapping[str, Any], *, check: str, now: datetime
) -> Verdict:
    condition = _condition(status)
    message = str(condition.get("message", "")).strip()
    if message.startswith("containers with un"):
        message = ""
    since = moment(running.get("startedAt"))
    if _ever_ready(status):
        since = moment(condition.get("lastTransitionTime"))
    for_ = f" for {span(since, now)}" if since else ""
    verb = "fails" if _ever_ready(status) else "waits for"
    return Verdict(reason=f"{_with(f'{verb} {check}', message)}{for_}")


def exit_reason(terminated: Mapping[str, Any]) -> str:
    """How a container ended, with the last line it said: `exited 1: no such table`."""
    lines = _split(terminated.get("message"))
    code = int(terminated.get("exitCode", 0))
    if terminated.get("reason") == "OOMKilled":
        said = "ran out of memory and was killed"
    elif terminated.get("reason") == "Unhealthy":
        said = "failed its health check and was restarted"
    elif code > 128:
        said = f"was ended by signal {code - 128} (exit {code})"
    elif code == 0:
        said = "exited 0, although it should keep running"
    else:
        said = f"exited {code}"
    return _with(said, lines[-1] if lines else "")


def _ever_ready(status: Mapping[str, Any]) -> bool:
    """Kubernetes sets Ready to False when a pod starts, and moves its time only on a turn."""
    condition = _condition(status)
    if condition.get("status") == "True":
        return True
    changed, started = moment(condition.get("lastTransitionTime")), moment(status.get("startTime"))
    return changed is not None and started is not None and changed - started > _ONCE_READY


def _check(spec: Mapping[str, Any]) -> str:
    """The readiness check in words: `GET /healthz on 8080`. Empty without one."""
    containers: Sequence[Mapping[str, Any]] = spec.get("containers") or ({},)
    probe = containers[0].get("readinessProbe") or {}
    if get := probe.get("httpGet"):
        return f"GET {get['path']} on {get['port']}"
    if tcp := probe.get("tcpSocket"):
        return f"a TCP connection on {tcp['port']}"
    if command := probe.get("exec"):
        return f"`{join(command['command'])}`"
    return ""


def _last_lines(container: Mapping[str, Any]) -> tuple[str, ...]:
    for place in ("state", "lastState"):
        terminated = (container.get(place) or {}).get("terminated")
        if terminated and terminated.get("message"):
            return _split(terminated["message"])[-_LINES:]
    return ()


def _condition(status: Mapping[str, Any]) -> Mapping[str, Any]:
    found = (each for each in status.get("conditions", ()) if each.get("type") == "Ready")
    return next(found, {})


def _container(status: Mapping[str, Any]) -> Mapping[str, Any]:
    found: tuple[Mapping[str, Any], ...] = tuple(status.get("containerStatuses") or ())
    return found[0] if found else {}


def _split(text: object) -> tuple[str, ...]:
    return tuple(line for line in str(text or "").splitlines() if line.strip())


def _with(said: str, detail: str) -> str:
    return f"{said}: {detail}" if detail else said


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
