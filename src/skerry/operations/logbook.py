"""A stack's roll-out as its cell keeps it: looked at, and taken up, from anywhere.

Whoever carries a roll-out writes it down as it goes, and says every few seconds that it is
still there. Whoever wants it stopped leaves a note beside it.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from skerry.errors import Conflict, NotFound
from skerry.model.rollout import Rollout, RolloutState, fact_name, read_rollout, write_rollout
from skerry.operations.insisting import insist
from skerry.operations.platform import Platform

BEAT_SECONDS: Final = 3.0
SILENCE: Final = timedelta(seconds=30)
"""Not heard from for so long, a carrier is dead."""


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
        await insist(self._platform.clock, lambda: self._platform.engine.remember(self._name, fact))
        return kept

    async def put_back(self, rollout: Rollout | None) -> None:
        """Keep what was kept before."""
        fact = None if rollout is None else write_rollout(rollout)
        await insist(self._platform.clock, lambda: self._platform.engine.remember(self._name, fact))

    async def beat(self, rollout: Rollout, *, carrier: str) -> bool:
        """Say that its carrier is still at it; whether somebody wants it stopped. Raises
        Conflict when another has taken it up meanwhile."""
        there = await insist(self._platform.clock, self.find)
        if there is not None and (there.id, there.carrier) != (rollout.id, carrier):
            raise Conflict(
                f"was taken up by {there.carrier}", subject=self.subject, hint="skerry rollouts"
            )
        await self.write(rollout, carrier=carrier)
        note = await insist(self._platform.clock, lambda: self._platform.engine.recall(self._note))
        return note is not None and note.get("id") == rollout.id

    async def ask_to_stop(self, rollout: Rollout, *, by: str) -> None:
        """Leave a note for its carrier."""
        await self._platform.engine.remember(self._note, {"id": rollout.id, "by": by})

    async def forget_note(self) -> None:
        """It was followed, or is out of date."""
        await insist(self._platform.clock, lambda: self._platform.engine.remember(self._note, None))

    def carried(self, rollout: Rollout) -> bool:
        """Whether somebody is at it now."""
        if rollout.state is not RolloutState.RUNNING or rollout.heard is None:
            return False
        return self._platform.clock.now() - rollout.heard < SILENCE
