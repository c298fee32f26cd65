"""One service from its Deployment and its replicas: the state word and its sentence."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from skerry.model.change import Release, Verdict, hold_of
from skerry.model.keys import ServiceKey
from skerry.model.objects import (
    DIGEST,
    RELEASE,
    URL,
    Manifest,
    annotation,
    template_hash,
)
from skerry.model.units import show_seconds
from skerry.model.world import Override, ReplicaState, ServiceState, State
from skerry.observer.creation import Obstacle, obstacle
from skerry.observer.events import Events, claims_of
from skerry.observer.pod import Wanted, cooling_down, replica, turned


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """All that one look shows of one service."""

    service: ServiceKey
    deployment: Manifest
    autoscaler: Manifest | None
    pods: Sequence[Manifest]
    release: Release | None
    override: Override | None
    events: Events = field(default_factory=Events)


def service_state(sight: Sight, *, now: datetime) -> ServiceState:
    """How the service is."""
    deployment = sight.deployment
    number = _release_number(sight)
    template = deployment["spec"]["template"]
    replicas = _replicas(sight, release=number, now=now)
    wanted = desired(sight)
    leaving = any(each.draining for each in replicas)
    hindered = obstacle(deployment, leaving=leaving, now=now)
    state, reason = _judge(sight, replicas, wanted=wanted, hindered=hindered)
    return ServiceState(
        name=sight.service.name,
        namespace=sight.service.namespace,
        state=state,
        reason=reason,
        ready=sum(each.ready for each in replicas),
        desired=wanted,
        release=number,
        image=template["spec"]["containers"][0]["image"],
        url=annotation(deployment, URL),
        since=max((at for at in map(turned, sight.pods) if at is not None), default=None),
        hold=hold_of(deployment),
        override=sight.override,
        replicas=replicas,
        hopeless=state not in {State.RUNNING, State.STOPPED}
        and hindered is not None
        and hindered.hopeless,
    )


def desired(sight: Sight) -> int:
    """How many replicas there should be: by hand, else by the autoscaler, else by the document."""
    if sight.override is not None:
        return sight.override.replicas
    if sight.autoscaler is not None:
        status = sight.autoscaler.get("status") or {}
        live = status.get("desiredReplicas", sight.deployment["spec"].get("replicas"))
        return int(live if live is not None else sight.autoscaler["spec"]["minReplicas"])
    return int(sight.deployment["spec"].get("replicas", 1))


def _replicas(sight: Sight, *, release: int | None, now: datetime) -> tuple[ReplicaState, ...]:
    claims = [
        event
        for key in claims_of(sight.deployment, sight.service)
        for event in sight.events.about(*key)
    ]
    wanted = Wanted(
        hash=template_hash(sight.deployment),
        template=sight.deployment["spec"]["template"],
        release=release,
        claims=claims,
    )
    return tuple(
        replica(
            pod,
            wanted,
            events=sight.events.about("Pod", sight.service.namespace, pod["metadata"]["name"]),
            now=now,
        )
        for pod in sorted(sight.pods, key=lambda pod: str(pod["metadata"]["name"]))
    )


def _judge(
    sight: Sight, replicas: Sequence[ReplicaState], *, wanted: int, hindered: Obstacle | None
) -> tuple[State, str]:
    """An ordered table: the first that fits."""
    staying = [each for each in replicas if not each.draining]
    old = [each for each in staying if not each.updated]
    current = [each for each in staying if each.updated and each.ready]
    waiting = [each for each in staying if each.updated and not each.ready]
    ready = sum(each.ready for each in staying)
    if wanted == 0:
        return _stopping(sight, replicas)
    if len(current) >= wanted and not old:
        return State.RUNNING, _running(current, wanted)
    said = _progress(ready, wanted=wanted, current=len(current), old=old, waiting=waiting)
    if trouble := hindered.reason if hindered is not None else _halted(sight, waiting):
        said = f"{said}; {trouble}"
    if old or _deploying(sight.release):
        return State.DEPLOYING, said
    if hindered is None and not any(_troubled(each) for each in waiting):
        return State.DEPLOYING, said
    if ready:
        return State.DEGRADED, said
    if any(cooling_down(pod) for pod in sight.pods):
        return State.COOLDOWN, said
    return State.DOWN, said


def _halted(sight: Sight, waiting: Sequence[ReplicaState]) -> str:
    """Why nothing happens, when no replica says so itself."""
    if sight.deployment["spec"].get("paused"):
        return "its roll-out is paused by somebody else"
    if waiting:
        return ""
    for condition in (sight.deployment.get("status") or {}).get("conditions", ()):
        if condition.get("reason") == "ProgressDeadlineExceeded":
            deadline = sight.deployment["spec"].get("progressDeadlineSeconds", 600)
            return f"nothing has happened for {show_seconds(deadline)}"
    return ""


def _stopping(sight: Sight, replicas: Sequence[ReplicaState]) -> tuple[State, str]:
    if replicas:
        return State.DEPLOYING, f"stops: {_count(len(replicas))} still there"
    by = f" by {sight.override.by}" if sight.override is not None else ""
    return State.STOPPED, f"scaled to nothing{by}"


def _running(current: Sequence[ReplicaState], wanted: int) -> str:
    said = f"{_count(len(current))} ready"
    if len(current) > wanted:
        said = f"{said}, {wanted} wanted"
    restarted = next((each for each in current if each.restarts), None)
    return f"{said}; {restarted.name} {restarted.reason}" if restarted is not None else said


def _progress(
    ready: int,
    *,
    wanted: int,
    current: int,
    old: Sequence[ReplicaState],
    waiting: Sequence[ReplicaState],
) -> str:
    if old:
        said = f"{current} of {_count(wanted)} ready on the new release"
    else:
        said = f"{ready} of {_count(wanted)} ready"
    worst = min(waiting, key=lambda each: (not each.failed, not _troubled(each)), default=None)
    return f"{said}; {worst.name} {worst.reason}" if worst is not None else said


def _troubled(each: ReplicaState) -> bool:
    """Not merely on its way: it failed, or has been started more than once."""
    return each.failed or each.restarts > 0 or each.reason.startswith("fails ")


def _deploying(release: Release | None) -> bool:
    return release is not None and release.verdict is Verdict.DEPLOYING


def _release_number(sight: Sight) -> int | None:
    """From the Deployment, else the newest release's when it is what the cell wants."""
    written = annotation(sight.deployment, RELEASE)
    if written is not None:
        return int(written)
    if sight.release is None:
        return None
    released = next((each for each in sight.release.objects if each["kind"] == "Deployment"), None)
    if released is None:
        return sight.release.number
    same = annotation(released, DIGEST) == annotation(sight.deployment, DIGEST)
    return sight.release.number if same else None


def _count(number: int) -> str:
    return f"{number} replica{'' if number == 1 else 's'}"
