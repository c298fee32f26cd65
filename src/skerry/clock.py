"""The one place that knows what time it is. Everything else asks the `Clock` port."""

import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC. May jump: for people and records, not for waiting."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only grow: for every deadline, back-off and interval."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let others run for that long."""
        import asyncio  # here: the command line asks for the time, and starts without a loop

        await asyncio.sleep(seconds)
