"""`abort STACK`: no further wave. What was done stays, or with `undo` is taken back."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

from skerry.errors import Conflict, NotFound
from skerry.model.access import Identity
from skerry.model.change import Release, Verdict
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import RELEASE, annotation
from skerry.model.progress import Operation, Stage
from skerry.model.rollout import Rollout, RolloutState
from skerry.model.stack import tenant_key
from skerry.model.world import Snapshot
from skerry.operations import scopes
from skerry.operations.deploy import Permit
from skerry.operations.logbook import Logbook, Pulse
from skerry.operations.members import Gift, Given, judged
from skerry.operations.permission import permitted
from skerry.operations.platform import Platform
from skerry.operations.rollouts import carry, stopped
from skerry.operations.voice import Voice
from skerry.operations.wave import carry_out_wave
from skerry.operations.way_back import WayBack, backwards, reached

KIND: Final = "abort"


async def abort(
    platform: Platform, stack: str, *, undo: bool, by: Identity, permit: Permit | None = None
) -> Operation:
    """Begin. Raises NotFound, and Conflict when nothing is left to stop."""
    logbook = Logbook(platform, stack)
    there = await logbook.read()
    scopes.require(by, (tenant_key(stack, each).namespace for each in reached(there)))
    if there.state is RolloutState.DONE or (there.state is RolloutState.ABORTED and not undo):
        said = "has ended" if there.state is RolloutState.DONE else "is aborted already"
        raise NotFound(
            f"has no roll-out to stop: the last one {said}",
            subject=logbook.subject,
            hint=f"skerry rollback {stack}",
        )
    if undo and there.undoes:
        said = "is being rolled back already"
        raise Conflict(said, subject=logbook.subject, hint=f"skerry resume {stack}")
    await permitted(permit, logbook.subject)
    request: dict[str, Any] = {"aborts": stack, "rollout": there.id, "undo": undo}
    operation = platform.running.draft(
        KIND, by=by.name, subject=logbook.subject, request=request, cell=platform.name
    )

    async def work(operation: Operation, voice: Voice) -> None:
        await stop(platform, operation, voice)

    started = await platform.running.start(operation, (), work, seen=platform.running.ended)
    assert started is not None, "it takes no service"
    return started


async def stop(platform: Platform, operation: Operation, voice: Voice) -> None:
    """Ask whoever carries it to stop, and wait for that; where nobody does, see to the tenants
    that were on their way. Doing it twice does no harm. Raises DeployFailed when what is taken
    back does not come up."""
    stop = _Stop(platform, operation, voice)
    logbook = Logbook(platform, operation.request["aborts"])
    rollout = await logbook.without_carrier(me=operation.id, voice=voice, ask=operation.by)
    if rollout.id == operation.request["rollout"]:
        rollout = await stop.end(rollout)
        await voice.say(Stage.DONE, f"aborted: {rollout.reason}")
        if not operation.request["undo"]:
            return
        now = platform.clock.now()
        rollout = backwards(rollout, by=operation.by, now=now, steps="100%")
        await stop.write(rollout)
    await carry(
        platform,
        operation,
        voice,
        stack=rollout.stack,
        gifts=lambda there: WayBack(platform, there),
    )


class _Stop:
    """One roll-out being stopped by one operation."""

    def __init__(self, platform: Platform, operation: Operation, voice: Voice) -> None:
        self._platform = platform
        self._operation = operation
        self._voice = voice
        self._logbook = Logbook(platform, operation.request["aborts"])

    async def write(self, rollout: Rollout) -> Rollout:
        """Keep it, as this operation's."""
        return await self._logbook.write(rollout, carrier=self._operation.id)

    async def end(self, rollout: Rollout) -> Rollout:
        """Aborted, with nothing left on its way. What a carrier that died has begun is judged;
        nothing else is changed."""
        if rollout.state is RolloutState.RUNNING:
            rollout = await self.write(rollout)
            if rollout.baking is None and rollout.present:
                clock, me = self._platform.clock, self._operation.id
                async with Pulse(self._logbook, clock, rollout, carrier=me) as pulse:
                    rollout, _ = await carry_out_wave(
                        self._platform,
                        rollout,
                        Nothing(self._platform, rollout),
                        voice=self._voice,
                        pulse=pulse,
                    )
            rollout = rollout if rollout.reason else stopped(rollout)
        if rollout.state is not RolloutState.DONE:
            rollout = await self.write(replace(rollout, state=RolloutState.ABORTED))
        await self._logbook.forget_note()
        return rollout


class Nothing(Gift):
    """For tenants a carrier that died did not reach."""

    def __init__(self, platform: Platform, rollout: Rollout) -> None:
        self.stack = rollout.stack
        self._platform = platform
        self._attempt = rollout.attempts[-1]

    async def given(self, services: Collection[ServiceKey], snapshot: Snapshot) -> Given:
        """One that has its release of this attempt is not left alone: it waits for its verdict.
        A release that was recorded and never applied has its verdict here."""
        begun = {
            service: newest
            for service, newest in snapshot.releases.items()
            if newest.at == self._attempt
        }
        never = {
            service: newest
            for service, newest in begun.items()
            if newest.verdict is Verdict.DEPLOYING and not _shows(snapshot, newest)
        }
        if never:
            verdicts = [
                judged(each, Verdict.FAILED, "it was never applied") for each in never.values()
            ]
            await self._platform.engine.record(*verdicts)
        reached = begun.keys() - never.keys()
        return Given(left={each: "was not reached" for each in services if each not in reached})


def _shows(snapshot: Snapshot, release: Release) -> bool:
    """Whether the release is the one its Deployment was applied with."""
    key = ObjectKey("Deployment", release.service.namespace, release.service.name)
    live = snapshot.objects.get(key)
    return live is not None and annotation(live, RELEASE) == str(release.number)
