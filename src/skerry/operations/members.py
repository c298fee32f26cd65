"""The tenants of a wave while it is carried out: what each is given, and how far it is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from skerry.model.change import Release, Verdict
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import RELEASE, Manifest, annotation
from skerry.model.rollout import Rollout
from skerry.model.stack import tenant_key
from skerry.model.world import Scope, Snapshot
from skerry.operations.release import release_of
from skerry.operations.steps import Step
from skerry.planner.waves import Seen, Sight

FEW: Final = 32
"""Tenants looked at one by one; more than that, and the whole stack is looked at at once."""
BEGIN: Final = Sight(seen=Seen.WAITING, reason="the engine to begin")
IS_UP: Final = Sight(seen=Seen.UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What tenants are to be changed to, and those left alone with the reason. A tenant in
    neither has it already."""

    steps: Mapping[ServiceKey, Step] = field(default_factory=dict)
    left: Mapping[ServiceKey, str] = field(default_factory=dict)


class Gift(Protocol):
    """What a roll-out brings the tenants of its stack."""

    stack: str

    async def prepare(self, services: Collection[ServiceKey]) -> None:
        """What can be done before anybody has looked at these tenants, at the same time."""
        return

    async def given(self, services: Collection[ServiceKey], snapshot: Snapshot) -> Given:
        """For these tenants as they are now."""


@dataclass(slots=True, kw_only=True)
class Member:
    """One tenant of a wave. `number` is the release its Deployment has to show, `release` the
    one to be judged, `hold` how it was held before. `cause` is why it goes back, empty on the
    way up; `ends` when it is late, by the monotonic clock."""

    tenant: str
    service: ServiceKey
    sight: Sight
    number: int
    release: Release | None = None
    step: Step | None = None
    hold: str | None = None
    cause: str = ""
    ends: float = 0.0
    deadline_seconds: float = 300.0


def scope_of(rollout: Rollout) -> Scope:
    """Where to look for the tenants of the present wave."""
    if len(rollout.present) > FEW:
        return Scope(stack=rollout.stack)
    return Scope(services=frozenset(services_of_wave(rollout)))


def services_of_wave(rollout: Rollout) -> dict[ServiceKey, str]:
    """The tenants of the present wave, by their service."""
    return {tenant_key(rollout.stack, tenant): tenant for tenant in rollout.present}


def members_of(
    rollout: Rollout, services: Mapping[ServiceKey, str], snapshot: Snapshot, *, given: Given
) -> tuple[dict[ServiceKey, Member], dict[str, str]]:
    """Members of the wave (`services` says their tenants), and the tenants it leaves alone. What
    a carrier that died has begun is gone on with: a release it recorded, one that waits for its
    verdict, one on its way back."""
    members: dict[ServiceKey, Member] = {}
    left: dict[str, str] = {}
    for service, tenant in services.items():
        live = snapshot.objects.get(ObjectKey("Deployment", service.namespace, service.name))
        if service in given.left:
            left[tenant] = given.left[service]
        elif live is None:
            left[tenant] = "is not here any more"
        else:
            newest = snapshot.releases.get(service)
            step = given.steps.get(service)
            members[service] = _member(rollout, tenant, live, newest=newest, step=step)
    return members, left


def _member(
    rollout: Rollout, tenant: str, live: Manifest, *, newest: Release | None, step: Step | None
) -> Member:
    number = int(annotation(live, RELEASE) or 0)
    found = Member(
        tenant=tenant,
        service=tenant_key(rollout.stack, tenant),
        sight=BEGIN,
        number=number,
        step=step,
        hold=step.hold if step is not None else None,
    )
    ours = newest if newest is not None and newest.at == rollout.attempts[-1] else None
    verdict = ours.verdict if ours is not None else None
    shown = ours is not None and ours.number == number
    if ours is not None and verdict is Verdict.FAILED:
        found.sight = BEGIN if shown else Sight(seen=Seen.FAILED, reason=ours.verdict_reason)
        found.release, found.step = (ours if shown else None), None
        found.cause = ours.verdict_reason
    elif step is None:
        waits = shown and verdict is Verdict.DEPLOYING
        found.release, found.sight = (ours, BEGIN) if waits else (None, IS_UP)
    else:
        last = max(number, newest.number if newest is not None else 0)
        found.number = last if verdict is Verdict.DEPLOYING else last + 1
        found.release = release_of(
            step, number=found.number, by=rollout.by, at=rollout.attempts[-1]
        )
        found.deadline_seconds = step.change.deadline_seconds
    return found


def judged(release: Release, verdict: Verdict, reason: str = "") -> Release:
    """The release with its verdict."""
    return replace(release, verdict=verdict, verdict_reason=reason)
