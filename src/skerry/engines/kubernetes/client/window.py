"""How many requests are under way at once: as many as the server takes well.

No fixed rate. The window opens while answers come quickly and closes when they slow down or
the server says it is too much (429).
"""

from asyncio import Future, get_running_loop
from collections import deque
from types import TracebackType
from typing import Final

START: Final = 16
LEAST: Final = 2
MOST: Final = 128
SHRINK: Final = 0.7
# Answers are called slow when they take both this many times the best seen and this long:
# a server answering in 5 ms instead of 1 ms is doing well.
SLOW_TIMES: Final = 4.0
SLOW_SECONDS: Final = 0.25
# The best seen is forgotten this fast each round, so that a server moved farther away is not
# held against its old self for ever.
FORGET: Final = 1.05


class Window:
    """Additive increase, multiplicative decrease, at most once a round; a round is as many
    answers as the window is wide, so that one bad moment counts once.

    Used as `async with window:`; the waiting are let in first come, first served.
    """

    def __init__(self) -> None:
        self.limit: float = START
        self.under_way = 0
        self._waiting: deque[Future[None]] = deque()
        self._best = float("inf")
        self._answers = 0
        self._seconds = 0.0
        self._wanted_more = False
        self._shrunk = False

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

    def answered(self, seconds: float) -> None:
        """An answer came after so long."""
        self._answers += 1
        self._seconds += seconds
        if self._answers >= int(self.limit):
            self._end_round()

    def throttled(self) -> None:
        """The server said it is too much."""
        if not self._shrunk:
            self._shrunk = True
            self.limit = max(LEAST, self.limit * SHRINK)

    def _end_round(self) -> None:
        mean = self._seconds / self._answers
        self._best = min(self._best * FORGET, mean)
        if self._shrunk:
            pass
        elif mean > SLOW_SECONDS and mean > SLOW_TIMES * self._best:
            self.limit = max(LEAST, self.limit * SHRINK)
        elif self._wanted_more:
            self.limit = min(MOST, self.limit + 1)
        self._answers, self._seconds = 0, 0.0
        self._wanted_more = self._shrunk = False
        self._let_in()

    def _leave(self) -> None:
        self.under_way -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self.under_way < int(self.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self.under_way += 1
                turn.set_result(None)
