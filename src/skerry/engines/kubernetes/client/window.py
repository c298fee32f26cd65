"""How many requests are under way at once: as many as the server takes well.

No fixed rate. The window opens while answers take no longer for it (a server far away is slow
with one request as with fifty), stays while they queue a little, and closes when they become
slow for it or the server says it is too much (429).
"""

from asyncio import Future, get_running_loop
from collections import deque
from types import TracebackType
from typing import Final

START: Final = 16
LEAST: Final = 2
MOST: Final = 128
GROW: Final = 1.5
SHRINK: Final = 0.7
# Answers that take this many times the best seen have waited in a queue.
QUEUED_TIMES: Final = 2.0
# They are slow when they take both this many times the best and this long: a server that
# answers in 5 ms instead of 1 ms is doing well.
SLOW_TIMES: Final = 4.0
SLOW_SECONDS: Final = 0.25
# The best seen is forgotten a little every second, so that a server that moved farther away
# is not held against its old self for ever.
FORGET_A_SECOND: Final = 0.01


class Window:
    """Widens quickly until the server says it is too much, then by one; shrinks by a part. Once
    a round: a round is as many answers as the window is wide, so one bad moment counts once.

    Used as `async with window:`; the waiting are let in first come, first served.
    """

    def __init__(self) -> None:
        self.limit: float = START
        self.under_way = 0
        self._waiting: deque[Future[None]] = deque()
        self._best = float("inf")
        self._answers = 0
        self._seconds = 0.0
        self._round_began: float | None = None
        self._wanted_more = False
        self._shrunk = False
        self._told = False

    async def __aenter__(self) -> None:
        """Wait for room."""
        if self.under_way < int(self.limit) and not self._waiting:
            self.under_way += 1
            return
        self._wanted_more = True
        turn = get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Make room."""
        self._leave()

    def answered(self, seconds: float, *, now: float) -> None:
        """An answer came, after so many seconds; `now` only grows."""
        self._answers += 1
        self._seconds += seconds
        self._round_began = now - seconds if self._round_began is None else self._round_began
        if self._answers >= int(self.limit):
            self._end_round(now - self._round_began)
            self._round_began = now

    def throttled(self) -> None:
        """The server said it is too much."""
        if not self._shrunk:
            self._shrunk = self._told = True
            self.limit = max(LEAST, self.limit * SHRINK)

    def _end_round(self, lasted: float) -> None:
        mean = self._seconds / self._answers
        self._best = min(self._best * (1 + FORGET_A_SECOND * lasted), mean)
        if not self._shrunk:
            self.limit = min(MOST, max(LEAST, self._next(mean)))
        self._answers, self._seconds = 0, 0.0
        self._wanted_more = self._shrunk = False
        self._let_in()

    def _next(self, mean: float) -> float:
        if mean > SLOW_SECONDS and mean > SLOW_TIMES * self._best:
            return self.limit * SHRINK
        if not (self._wanted_more or self._waiting) or mean > QUEUED_TIMES * self._best:
            return self.limit
        return self.limit + 1 if self._told else self.limit * GROW

    def _leave(self) -> None:
        self.under_way -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self.under_way < int(self.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self.under_way += 1
                turn.set_result(None)
