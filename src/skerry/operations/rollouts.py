"""Roll-outs of a stack in one cell: carried wave by wave, halted, taken up again, stopped.

The record in the cell is the truth: whoever carries a roll-out (a server's operation, or a
command without one) can die at any moment, and whoever resumes it reads on from there.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from skerry.errors import Conflict, DeployFailed, SkerryError
from skerry.model.access import Identity
from skerry.model.progress import Operation, Stage
from skerry.model.rollout import Rollout, RolloutState
from skerry.operations.baking import bake
from skerry.operations.concerned import whole_stack
from skerry.operations.logbook import Logbook
from skerry.operations.members import Gift
from skerry.operations.platform import Platform
from skerry.operations.running import Work
from skerry.operations.voice import Voice
from skerry.operations.wave import carry_out_wave
from skerry.planner.waves import Done, Halt, named

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
    """Begin to carry a roll-out as it is given, in place of the one the cell keeps. Raises
    Conflict when one of the stack is carried now."""
    logbook = Logbook(platform, rollout.stack)
    async with platform.planning:
        there = await logbook.find()
        if there is not None and logbook.carried(there):
            raise _carried(logbook, there)
        operation = platform.running.draft(
            kind,
            by=by.name,
            subject=logbook.subject,
            request={"stack": rollout.stack, **request},
            cell=platform.name,
        )
        # Written before it is begun: from then on it can be stopped, and resumed.
        await logbook.write(rollout, carrier=operation.id)
        try:
            started = await platform.running.start(
                operation, [whole_stack(rollout.stack)], work, seen=platform.running.ended
            )
        except SkerryError:
            await logbook.put_back(there)
            raise
    assert started is not None, "nothing ends between reading the mark and looking at it"
    return started


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

    async def beat(as_it_is: Rollout) -> bool:
        return await logbook.beat(as_it_is, carrier=operation.id)

    while rollout.state is RolloutState.RUNNING and rollout.present:
        # Stop on error: the record stays as it is, to be resumed.
        if rollout.baking is None:
            rollout, decision = await carry_out_wave(
                platform, rollout, gift, voice=voice, beat=beat
            )
        else:
            rollout, decision = await bake(platform, rollout, voice=voice, beat=beat)
        if not isinstance(decision, Halt | Done):
            await voice.say(Stage.PLANNED, decision.reason)
        if await beat(rollout) and rollout.state is RolloutState.RUNNING:
            rollout = await logbook.write(stopped(rollout), carrier=operation.id)
    if rollout.state is RolloutState.RUNNING:
        rollout = replace(rollout, state=RolloutState.DONE, reason="nothing is left to do")
        await logbook.write(rollout, carrier=operation.id)
    await logbook.forget_note()
    await _conclude(logbook, rollout, voice)


def stopped(rollout: Rollout) -> Rollout:
    """Ended by somebody's wish."""
    said = f"stopped at wave {rollout.wave + 1} of {len(rollout.waves)}"
    return replace(rollout, state=RolloutState.ABORTED, reason=said)


def _carried(logbook: Logbook, there: Rollout) -> Conflict:
    return Conflict(
        f"is being rolled out to {there.version} by {there.by} since {there.at:%H:%M:%S}",
        subject=logbook.subject,
        hint=f"skerry rollouts {there.stack}; to stop it: skerry abort {there.stack}",
    )


async def _introduce(rollout: Rollout, voice: Voice) -> None:
    sizes = ", ".join(str(len(each)) for each in rollout.waves)
    what = f"version {rollout.version}" if not rollout.undoes else f"back from {rollout.version}"
    await voice.say(
        Stage.PLANNED,
        f"{what}: {rollout.tenants} tenants in {len(rollout.waves)} waves of {sizes}",
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
