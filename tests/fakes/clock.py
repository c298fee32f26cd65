"""A clock that only the test moves."""

import asyncio
from datetime import UTC, datetime, timedelta

NOON = datetime(2030, 6, 1, 12, 0, tzinfo=UTC)


class SteppedClock:
    """Starts at noon. `sleep` lets others run and moves time on by what was asked for."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> datetime:
        """What the test set."""
        return self._now

    def monotonic(self) -> float:
        """Seconds stepped so far."""
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Move on."""
        self.step(seconds)
        await asyncio.sleep(0)

    def step(self, seconds: float) -> None:
        """Let that much time pass."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds
