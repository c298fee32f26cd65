"""Roll-outs of a stack in one cell: carried wave by wave, halted, taken up again, stopped.

The record in the cell is the truth: whoever carries a roll-out (a server's operation, or a
command without one) can die at any moment, and whoever resumes it reads on from there.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from skerry.errors import Conflict, DeployFailed, NotFound, SkerryError
from skerry.model.access import Identity
from skerry.model.progress import Operation, Stage
from skerry.model.rollout import Rollout, RolloutState
from skerry.operations.baking import bake
from skerry.operations.concerned import whole_stack
from skerry.operations.logbook import Logbook, Pulse
from skerry.operations.members import Gift
from skerry.operations.platform import Platform
from skerry.operations.running import Work
from skerry.operations.voice import Voice
from skerry.operations.wave import carry_out_wave
from skerry.planner.waves import Done, Halt, named, resumed

Gifts = Callable[[Rollout], Gift]


async def begin(
    platform: Platform,
    rollout: Rollout,
    kind: str,
    *,
    by: Identity,
    request: Mapping[str, Any],
    work: Work,
) -> Operation:
    """Begin to carry a new roll-out, in place of the one the cell keeps. Raises Conflict while
    one of the stack runs, also when nobody carries it any more."""
    logbook = Logbook(platform, rollout.stack)
    async with platform.planning:
        there = await logbook.find()
        if there is not None and there.state is RolloutState.RUNNING:
            raise logbook.is_carried(there)
        operation = _draft(platform, rollout.stack, kind, by=by, request=request)
        # Written before it is begun: from then on it can be stopped, and resumed.
        await logbook.enter(rollout, carrier=operation.id)
        try:
            return await _start(platform, operation, work)
        except SkerryError:
            await logbook.put_back(there)
            raise


async def begin_again(
    platform: Platform,
    stack: str,
    kind: str,
    *,
    by: Identity,
    request: Mapping[str, Any],
    work: Work,
) -> Operation:
    """Begin to go on with the roll-out the cell keeps. Raises NotFound when there is nothing
    left of it."""
    logbook = Logbook(platform, stack)
    async with platform.planning:
        there = await logbook.read()
        if there.state is RolloutState.DONE:
            raise NotFound(
                "has nothing left to resume: its last roll-out is done",
                subject=logbook.subject,
                hint=f"skerry rollouts {stack}",
            )
        body = {"resumes": there.id, **request}
        return await _start(platform, _draft(platform, stack, kind, by=by, request=body), work)


async def take_up(platform: Platform, operation: Operation, voice: Voice) -> None:
    """Make the roll-out this operation resumes its own, once nobody else carries it; nothing
    when it is already. Raises Conflict when somebody does."""
    logbook = Logbook(platform, operation.request["stack"])
    rollout = await logbook.without_carrier(me=operation.id, voice=voice)
    if rollout.carrier != operation.id and rollout.id == operation.request.get("resumes"):
        again = resumed(rollout, now=platform.clock.now())
        await logbook.write(again, carrier=operation.id)


async def carry(
    platform: Platform, operation: Operation, voice: Voice, *, stack: str, gifts: Gifts
) -> None:
    """The stack's roll-out, which this operation carries, wave by wave to the end. Raises
    DeployFailed when it halts or is stopped, Conflict when somebody else carries it by now."""
    logbook = Logbook(platform, stack)
    rollout = await logbook.read()
    if rollout.carrier != operation.id:
        said = "another roll-out was begun, or somebody took this one up"
        raise Conflict(said, subject=logbook.subject, hint=f"skerry rollouts {stack}")
    gift = gifts(rollout)
    await _introduce(rollout, voice)

    async with Pulse(logbook, platform.clock, rollout, carrier=operation.id) as pulse:
        while rollout.state is RolloutState.RUNNING and rollout.present:
            # Stop on error: the record stays as it is, to be resumed.
            if rollout.baking is None:
                rollout, decision = await carry_out_wave(
                    platform, rollout, gift, voice=voice, pulse=pulse
                )
            else:
                rollout, decision = await bake(platform, rollout, voice=voice, pulse=pulse)
            # Kept before it is said: what was said holds for whoever takes it up.
            asked_to_stop = await pulse.write(rollout)
            if not isinstance(decision, Halt | Done):
                await voice.say(Stage.PLANNED, decision.reason)
            if asked_to_stop and rollout.state is RolloutState.RUNNING:
                rollout = stopped(rollout)
                await pulse.write(rollout)
    if rollout.state is RolloutState.RUNNING:
        rollout = replace(rollout, state=RolloutState.DONE, reason="nothing is left to do")
        await logbook.write(rollout, carrier=operation.id)
    await logbook.forget_note()
    await _conclude(logbook, rollout, voice)


def stopped(rollout: Rollout) -> Rollout:
    """Ended by somebody's wish."""
    said = f"stopped at wave {rollout.wave + 1} of {len(rollout.waves)}"
    return replace(rollout, state=RolloutState.ABORTED, reason=said)


def _draft(
    platform: Platform, stack: str, kind: str, *, by: Identity, request: Mapping[str, Any]
) -> Operation:
    return platform.running.draft(
        kind,
        by=by.name,
        subject=Logbook(platform, stack).subject,
        request={"stack": stack, **request},
        cell=platform.name,
    )


async def _start(platform: Platform, operation: Operation, work: Work) -> Operation:
    """Raises Conflict when this server is at the stack."""
    stack = whole_stack(operation.request["stack"])
    seen = platform.running.ended
    started = await platform.running.start(operation, [stack], work, seen=seen)
    assert started is not None, "nothing ends between reading the mark and looking at it"
    return started


async def _introduce(rollout: Rollout, voice: Voice) -> None:
    sizes = ", ".join(str(len(each)) for each in rollout.waves)
    tenants = f"{rollout.tenants} tenant{'s' if rollout.tenants != 1 else ''}"
    waves = f"{len(rollout.waves)} waves of {sizes}" if len(rollout.waves) != 1 else "one wave"
    what = f"version {rollout.version}" if not rollout.undoes else f"back from {rollout.version}"
    await voice.say(
        Stage.PLANNED,
        f"{what}: {tenants} in {waves}",
    )
    if rollout.skipped:
        await voice.say(Stage.PLANNED, f"left alone: {named(rollout.skipped)}")


async def _conclude(logbook: Logbook, rollout: Rollout, voice: Voice) -> None:
    if rollout.state is RolloutState.DONE:
        if rollout.failed:
            await voice.say(Stage.DONE, f"failed, as many as may: {named(rollout.failed)}")
        await voice.say(Stage.DONE, rollout.reason)
        return
    untouched = sum(len(each) for each in rollout.waves[rollout.wave + 1 :])
    said = "halted" if rollout.state is RolloutState.HALTED else "aborted"
    raise DeployFailed(
        f"{said}: {rollout.reason}; {untouched} of {rollout.tenants} tenants are untouched",
        subject=logbook.subject,
        hint=f"go on: skerry resume {rollout.stack}; "
        f"take back what was done: skerry abort {rollout.stack} --undo",
    )
