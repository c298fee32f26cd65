"""Clocks whose time the test owns."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count

NOON = datetime(2030, 6, 1, 12, 0, tzinfo=UTC)
_TURNS = 50


class FakeClock:
    """Stands still until told otherwise; sleepers wake in the order of their time.

    `await clock.advance(10)` moves ten seconds and lets everybody who was due run, in order,
    each at its own time. `clock.jump(hours)` moves only the wall clock, as ntpd might.
    """

    def __init__(self, start: datetime = NOON) -> None:
        self._start = start
        self._seconds = 0.0
        self._jumped = timedelta()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def now(self) -> datetime:
        """The wall clock."""
        return self._start + self._jumped + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has moved that far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        wake = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._seconds + seconds, next(self._numbers), wake))
        await wake

    async def advance(self, seconds: float) -> None:
        """Move forward, stopping at each sleeper on the way."""
        end = self._seconds + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._seconds, _, wake = heapq.heappop(self._sleepers)
            if not wake.done():
                wake.set_result(None)
            await settle()
        self._seconds = end
        await settle()

    def jump(self, hours: float) -> None:
        """Move the wall clock only."""
        self._jumped += timedelta(hours=hours)

    @property
    def sleepers(self) -> int:
        """How many wait."""
        return sum(not wake.done() for _, _, wake in self._sleepers)


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


async def settle() -> None:
    """Let everybody who can run do so."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
