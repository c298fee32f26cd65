"""`rollback STACK`: every tenant the last roll-out changed gets back what it ran before."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from skerry.errors import Refused
from skerry.model.access import Identity
from skerry.model.change import Release, Verdict
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import TEMPLATE, annotation
from skerry.model.progress import Operation
from skerry.model.rollout import Rollout, RolloutState
from skerry.model.stack import tenant_key
from skerry.model.world import Snapshot
from skerry.operations import rollouts, scopes
from skerry.operations.deploy import Permit
from skerry.operations.logbook import Logbook
from skerry.operations.members import Gift, Given
from skerry.operations.permission import permitted
from skerry.operations.platform import Platform
from skerry.operations.steps import Step, deployment_of, steps_of
from skerry.operations.voice import Voice
from skerry.planner.release import new_hold, plan_release
from skerry.planner.tenants import held
from skerry.planner.waves import read_steps, waves

KIND: Final = "stack-rollback"
AT_ONCE: Final = 32


async def roll_back(
    platform: Platform,
    stack: str,
    *,
    by: Identity,
    steps: str = "100%",
    permit: Permit | None = None,
) -> Operation:
    """Begin. Raises NotFound, Refused when there is nothing to take back, Conflict while a
    roll-out is carried."""
    last = await Logbook(platform, stack).read()
    scopes.require(by, (tenant_key(stack, each).namespace for each in reached(last)))
    rollout = backwards(last, by=by.name, now=platform.clock.now(), steps=steps)

    await permitted(permit, f"stack/{stack}@{platform.name}")
    work = partial(carry_back, platform)
    return await rollouts.begin(platform, rollout, KIND, by=by, request={}, work=work)


async def carry_back(platform: Platform, operation: Operation, voice: Voice) -> None:
    """Begun by `roll_back` or `go_on`, or taken up after a crash."""
    await rollouts.take_up(platform, operation, voice)
    await rollouts.carry(
        platform,
        operation,
        voice,
        stack=operation.request["stack"],
        gifts=lambda rollout: WayBack(platform, rollout),
    )


def reached(rollout: Rollout) -> tuple[str, ...]:
    """The tenants it has begun with, in order."""
    return tuple(tenant for wave in rollout.waves[: rollout.wave + 1] for tenant in wave)


def backwards(last: Rollout, *, by: str, now: datetime, steps: str) -> Rollout:
    """The roll-out that takes another back. Raises Refused."""
    subject = f"stack/{last.stack}@{last.cell}"
    if last.undoes and last.state is RolloutState.DONE:
        raise Refused("was rolled back already", subject=subject, hint="skerry rollouts")
    if last.undoes:
        said = "is being rolled back; that did not come to its end"
        raise Refused(said, subject=subject, hint=f"skerry resume {last.stack}")
    try:
        found = waves(reached(last), read_steps(steps), stack=last.stack)
    except ValueError as error:
        raise Refused(str(error), subject="--waves", hint="as 10%,100%") from error
    return Rollout(
        id=f"{last.id}-back",
        stack=last.stack,
        cell=last.cell,
        repository=last.repository,
        version=last.version,
        by=by,
        at=now,
        attempts=(now,),
        since=now,
        waves=found,
        undoes=last.attempts,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a roll-out brought a tenant, and what it ran before; None where there is none."""

    brought: Release | None
    before: Release | None


class WayBack(Gift):
    """Each tenant's release before a roll-out, held there."""

    def __init__(self, platform: Platform, rollout: Rollout) -> None:
        self.stack = rollout.stack
        self._platform = platform
        self._rollout = rollout

    async def given(self, services: Collection[ServiceKey], snapshot: Snapshot) -> Given:
        """Those that were not changed, or were changed again since, are left alone."""
        room = asyncio.Semaphore(AT_ONCE)

        async def look_up(service: ServiceKey) -> tuple[ServiceKey, Sequence[Release]]:
            async with room:
                return service, await self._platform.engine.releases(service)

        steps: dict[ServiceKey, Step] = {}
        left: dict[ServiceKey, str] = {}
        for service, known in await asyncio.gather(*map(look_up, services)):
            found = self._step(service, past(known, self._rollout.undoes), snapshot)
            if isinstance(found, str):
                left[service] = found
            elif found is not None:
                steps[service] = found
        return Given(steps=steps, left=left)

    def _step(self, service: ServiceKey, its: Past, snapshot: Snapshot) -> Step | str | None:
        """What it is changed to, why it is left alone, or None when it has that already."""
        live = snapshot.objects.get(ObjectKey("Deployment", service.namespace, service.name))
        if live is None or its.brought is None:
            return "was not changed by the roll-out"
        if its.before is None:
            return "has no release before the roll-out"
        was = deployment_of(its.brought.objects)
        back = deployment_of(its.before.objects)
        now = annotation(live, TEMPLATE)
        if now == (annotation(back, TEMPLATE) if back else None):
            return None
        if was is None or now != annotation(was, TEMPLATE):
            return "was changed since"
        reason = f"rolled back from version {self._rollout.version}"
        hold = new_hold(service, snapshot, by=self._rollout.by, at=self._rollout.at, reason=reason)
        target = replace(its.before, objects=held(its.before.objects, hold))
        plan = plan_release(target, snapshot, limits=self._platform.engine.limits)
        return next(iter(steps_of(plan, snapshot)), None)


def past(known: Sequence[Release], attempts: Collection[datetime]) -> Past:
    """From a tenant's releases, newest first."""
    ours = [each for each in known if each.at in attempts]
    brought = next((each for each in ours if each.verdict is not Verdict.FAILED), None)
    first = min((each.number for each in ours), default=0)
    before = next(
        (each for each in known if each.number < first and each.verdict is Verdict.DEPLOYED), None
    )
    return Past(brought=brought, before=before)
