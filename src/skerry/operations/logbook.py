"""A stack's roll-out as its cell keeps it: looked at, and taken up, from anywhere.

Whoever carries a roll-out writes it down as it goes, and says every few seconds that it is
still there. Whoever wants it stopped leaves a note beside it.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import Final, Self

from skerry.errors import Conflict, NotFound
from skerry.loops import Tasks
from skerry.model.progress import Stage
from skerry.model.rollout import Rollout, RolloutState, fact_name, read_rollout, write_rollout
from skerry.operations.insisting import insist
from skerry.operations.platform import Platform
from skerry.operations.voice import Voice
from skerry.operations.waiting import REPEAT_SECONDS
from skerry.ports import Clock

BEAT_SECONDS: Final = 3.0
POLL_SECONDS: Final = 1.0
SILENCE: Final = timedelta(seconds=15)
"""Not heard from for so long, a carrier is dead."""
_ALL: Final = "rollouts"


class Logbook:
    """The roll-outs of one stack in one cell, of which the last is kept."""

    def __init__(self, platform: Platform, stack: str) -> None:
        self._platform = platform
        self._name = fact_name(stack)
        self._note = f"abort/{stack}"
        self.subject = f"stack/{stack}@{platform.engine.cell.cell}"

    async def find(self) -> Rollout | None:
        """The last one, or None."""
        fact = await self._platform.engine.recall(self._name)
        return None if fact is None else read_rollout(fact)

    async def read(self) -> Rollout:
        """The last one. Raises NotFound."""
        found = await self.find()
        if found is None:
            raise NotFound(
                "was never rolled out in waves",
                subject=self.subject,
                hint="skerry deploy STACK --version X --waves 1%,10%,100%",
            )
        return found

    async def write(self, rollout: Rollout, *, carrier: str) -> Rollout:
        """Keep it as it is now."""
        kept = replace(rollout, carrier=carrier, heard=self._platform.clock.now())
        fact = write_rollout(kept)
        await insist(self._platform, lambda: self._platform.engine.remember(self._name, fact))
        return kept

    async def put_back(self, rollout: Rollout | None) -> None:
        """Keep what was kept before."""
        fact = None if rollout is None else write_rollout(rollout)
        await insist(self._platform, lambda: self._platform.engine.remember(self._name, fact))

    async def beat(self, rollout: Rollout, *, carrier: str) -> bool:
        """Say that its carrier is still at it; whether somebody wants it stopped. Raises
        Conflict when another has taken it up meanwhile."""
        there = await insist(self._platform, self.find)
        if there is not None and (there.id, there.carrier) != (rollout.id, carrier):
            raise Conflict(
                f"was taken up by {there.carrier}", subject=self.subject, hint="skerry rollouts"
            )
        await self.write(rollout, carrier=carrier)
        note = await insist(self._platform, lambda: self._platform.engine.recall(self._note))
        return note is not None and note.get("id") == rollout.id

    async def enter(self, rollout: Rollout, *, carrier: str) -> Rollout:
        """Keep a new one; from now on the cell knows that the stack has any."""
        engine = self._platform.engine
        known = await insist(self._platform, lambda: engine.recall(_ALL)) or {}
        stacks = sorted({*known.get("stacks", ()), rollout.stack})
        if stacks != known.get("stacks"):
            await insist(self._platform, lambda: engine.remember(_ALL, {"stacks": stacks}))
        return await self.write(rollout, carrier=carrier)

    async def ask_to_stop(self, rollout: Rollout, *, by: str) -> None:
        """Leave a note for its carrier."""
        await self._platform.engine.remember(self._note, {"id": rollout.id, "by": by})

    async def forget_note(self) -> None:
        """It was followed, or is out of date."""
        await insist(self._platform, lambda: self._platform.engine.remember(self._note, None))

    def carried(self, rollout: Rollout) -> bool:
        """Whether somebody is at it now."""
        if rollout.state is not RolloutState.RUNNING or rollout.heard is None:
            return False
        return self._platform.clock.now() - rollout.heard < SILENCE

    async def without_carrier(self, *, me: str, voice: Voice, ask: str = "") -> Rollout:
        """The roll-out once nobody else carries it. With `ask`, its carrier is asked to stop, by
        that name, and is waited for; otherwise raises Conflict when it turns out to live."""
        clock = self._platform.clock
        since, said = clock.now(), float("-inf")
        first = await self.read()
        while True:
            rollout = await self.read()
            if rollout.carrier == me or not self.carried(rollout):
                return rollout
            if ask:
                await self.ask_to_stop(rollout, by=ask)
            elif rollout.heard != first.heard:
                raise self.is_carried(rollout)
            if clock.monotonic() - said >= REPEAT_SECONDS:
                said = clock.monotonic()
                place = f"wave {rollout.wave + 1} of {len(rollout.waves)}"
                what = f"for {place} to be seen through" if ask else "to hear from its carrier"
                await voice.say(Stage.WAITING, what, since=since)
            await clock.sleep(POLL_SECONDS)

    def is_carried(self, there: Rollout) -> Conflict:
        """Somebody is at it."""
        return Conflict(
            f"is being rolled out to {there.version} by {there.by} since {there.at:%H:%M:%S}",
            subject=self.subject,
            hint=f"skerry rollouts {there.stack}; to stop it: skerry abort {there.stack}",
        )


async def stacks_of(platform: Platform) -> tuple[str, ...]:
    """The stacks that were ever rolled out in this cell, sorted."""
    known = await platform.engine.recall(_ALL) or {}
    return tuple(known.get("stacks", ()))


class Pulse:
    """For the time of a block, says every few seconds that a roll-out is carried. Called with
    the roll-out as it is, it tells whether somebody wants it stopped; raises Conflict when
    another has taken it up."""

    def __init__(self, logbook: Logbook, clock: Clock, rollout: Rollout, *, carrier: str) -> None:
        self._logbook = logbook
        self._clock = clock
        self._rollout = rollout
        self._carrier = carrier
        self._stopping = False
        self._lost: Conflict | None = None
        self._tasks = Tasks()
        self._writing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._tasks.spawn(self._beat(), name=f"the pulse of {self._rollout.stack}'s roll-out")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._tasks.close()

    def __call__(self, rollout: Rollout) -> bool:
        self._rollout = rollout
        if self._lost is not None:
            raise self._lost
        return self._stopping

    async def write(self, rollout: Rollout) -> bool:
        """Now: at the end of a wave."""
        self(rollout)
        async with self._writing:
            self._stopping = await self._logbook.beat(self._rollout, carrier=self._carrier)
        return self._stopping

    async def _beat(self) -> None:
        while self._lost is None:
            await self._clock.sleep(BEAT_SECONDS)
            try:
                await self.write(self._rollout)
            except Conflict as error:
                self._lost = error
