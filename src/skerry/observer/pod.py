"""One replica: whether it takes traffic, why not, and whether waiting will help."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from skerry.model.objects import TEMPLATE_HASH, Manifest
from skerry.model.starting import start_words
from skerry.model.world import ReplicaState
from skerry.observer.events import newest
from skerry.observer.probing import check_of, killed_unhealthy, last_answer
from skerry.observer.pulling import may_come, registry_words
from skerry.observer.scheduling import no_place
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
_VOLUME: Final = frozenset({"FailedAttachVolume", "FailedMount", "FailedMapVolume"})
_SANDBOX: Final = frozenset({"FailedCreatePodSandBox", "NetworkNotReady"})
_VOLUME_WRAPPING: Final = re.compile(
    r"^(?:(?:MountVolume|AttachVolume)\.\w+ failed for volume|Multi-Attach error for volume)"
    r' "(?P<name>[^"]+)"\s*:?\s*(?P<said>.*)',
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the service is to run: the template, its hash, the release's number, and what
    Events say of the volume claims it needs. The template tells the check of pods that do not
    carry their own spec."""

    hash: str
    template: Manifest
    release: int | None
    claims: Sequence[Manifest] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is known of a replica that is not ready. `failed`: waiting does not help."""

    reason: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One pod as it is judged: `container` is the one that keeps it from being ready."""

    status: Mapping[str, Any]
    container: Mapping[str, Any]
    check: str
    events: Sequence[Manifest]
    claims: Sequence[Manifest]
    now: datetime


def replica(
    pod: Manifest, wanted: Wanted, *, events: Sequence[Manifest] = (), now: datetime
) -> ReplicaState:
    """`events` are those about the pod, newest first."""
    metadata = pod["metadata"]
    status = pod.get("status") or {}
    container = _container(status)
    updated = metadata["labels"].get(TEMPLATE_HASH) == wanted.hash
    draining = metadata.get("deletionTimestamp") is not None
    ready = _condition(status).get("status") == "True" and not draining
    check = check_of(pod.get("spec") or {}) or check_of(wanted.template.get("spec") or {})
    look = _Look(
        status=status,
        container=container,
        check=check or "its start",
        events=events,
        claims=wanted.claims,
        now=now,
    )
    verdict = _judge(look, ready=ready, draining=draining)
    return ReplicaState(
        name=metadata["name"],
        ready=ready,
        reason=verdict.reason,
        address=status.get("podIP"),
        release=wanted.release if updated else None,
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


def _judge(look: _Look, *, ready: bool, draining: bool) -> Verdict:
    container = look.container
    if draining and look.status.get("reason") == "NodeLost":
        return Verdict(reason="does not go: its machine does not answer", failed=True)
    if draining:
        return Verdict(reason="finishes its work before it is stopped")
    if ready:
        return Verdict(reason=_ready(look))
    state = container.get("state") or {}
    if waiting := state.get("waiting"):
        return _named(look, _waiting(waiting, look))
    if terminated := state.get("terminated"):
        failed = not _ever_ready(look.status)
        return _named(look, Verdict(reason=_ended(look, terminated), failed=failed))
    if running := state.get("running"):
        return _running(running, look)
    for condition in look.status.get("conditions", ()):
        if condition.get("reason") == "Unschedulable":
            message = str(condition.get("message", ""))
            return Verdict(reason=no_place(message, events=look.events, claims=look.claims))
    return Verdict(reason=_with("is about to start", _creation_trouble(look)))


def _ready(look: _Look) -> str:
    restarts = int(look.container.get("restartCount", 0))
    last = (look.container.get("lastState") or {}).get("terminated")
    if not restarts or not last:
        return "ready"
    return f"ready; restarted {_times(restarts)}, the last time because it {_ended(look, last)}"


def _named(look: _Look, verdict: Verdict) -> Verdict:
    """Which container it is, when it is not the service's own."""
    own = _first(look.status.get("containerStatuses"))
    if look.container == own:
        return verdict
    reason = f"{verdict.reason} (container {look.container.get('name')})"
    return Verdict(reason=reason, failed=verdict.failed)


def _waiting(waiting: Mapping[str, Any], look: _Look) -> Verdict:
    reason, container = waiting.get("reason", ""), look.container
    message = str(waiting.get("message", "")).strip()
    if reason in _PULL:
        return _no_image(message, look)
    if reason in _CREATE:
        return Verdict(reason=_with("cannot be started", start_words(message)), failed=True)
    if reason == _CRASHED:
        last = (container.get("lastState") or {}).get("terminated") or {}
        said = _crashes(message, int(container.get("restartCount", 0)))
        ended = _ended(look, last) if last else ""
        reason = f"{said}; {ended}" if ended else said
        return Verdict(reason=reason, failed=not _ever_ready(look.status))
    if reason in {"ContainerCreating", "PodInitializing", ""}:
        return Verdict(reason=_with("is being created", message or _creation_trouble(look)))
    return Verdict(reason=_with(f"waits: {reason}", message))


def _no_image(message: str, look: _Look) -> Verdict:
    """A back-off does not say why it is one: the Event before it does."""
    said = registry_words(message)
    pulled = newest(
        [each for each in look.events if "Failed to pull" in str(each.get("message"))], {"Failed"}
    )
    if not said and pulled is not None:
        said = registry_words(pulled.message)
    image = look.container.get("image") or "its image"
    return Verdict(reason=_with(f"cannot get image {image}", said), failed=not may_come(said))


def _creation_trouble(look: _Look) -> str:
    """What the node says keeps it from making the container."""
    said = newest(look.events, _VOLUME | _SANDBOX)
    if said is None:
        return ""
    if match := _VOLUME_WRAPPING.match(said.message):
        return f"volume {match['name']}: {match['said'].strip()}"
    return said.message


def _ended(look: _Look, terminated: Mapping[str, Any]) -> str:
    if killed_unhealthy(look.events, terminated):
        answered = last_answer(look.events, since=None)
        return _with("failed its health check and was restarted", answered)
    return exit_reason(terminated)


def _crashes(message: str, count: int) -> str:
    """Engines may say it themselves; Kubernetes' back-off is put in fewer words."""
    if message.startswith("crashed"):
        return message
    said = f"crashed {_times(count)}" if count else "crashed"
    if backoff := _BACKOFF.match(message):
        return f"{said}, the next try comes after {backoff[1]}"
    return f"{said}, {message}" if message else said


def _running(running: Mapping[str, Any], look: _Look) -> Verdict:
    condition = _condition(look.status)
    message = str(condition.get("message", "")).strip()
    if message.startswith("containers with un"):
        message = ""
    since = started = moment(running.get("startedAt"))
    ever = _ever_ready(look.status)
    if ever:
        since = moment(condition.get("lastTransitionTime"))
    message = message or last_answer(look.events, since=started)
    for_ = f" for {span(since, look.now)}" if since else ""
    verb = "fails" if ever else "waits for"
    return Verdict(reason=f"{_with(f'{verb} {look.check}', message)}{for_}")


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
    """The container that says most about the pod: an initial one that has not done its work,
    else the service's own (engines name it first), unless that is well and another is not."""
    for each in status.get("initContainerStatuses") or ():
        state = each.get("state") or {}
        failed = (state.get("terminated") or {}).get("exitCode")
        if failed or (state.get("waiting") or {}).get("reason") not in {None, "PodInitializing"}:
            return dict(each)
    containers = status.get("containerStatuses") or ()
    own = _first(containers)
    if own.get("ready"):
        return next((each for each in containers if not each.get("ready")), own)
    return own


def _first(containers: Sequence[Mapping[str, Any]] | None) -> Mapping[str, Any]:
    return containers[0] if containers else {}


def _split(text: object) -> tuple[str, ...]:
    return tuple(line for line in str(text or "").splitlines() if line.strip())


def _with(said: str, detail: str) -> str:
    return f"{said}: {detail}" if detail else said


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
