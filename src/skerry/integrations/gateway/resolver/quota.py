"""Bounds: how much may be under way, and how much of it for one container."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Quota:
    """Counts what is under way, in all and for each client, so that one that asks without end
    leaves room for the others."""

    def __init__(self, *, most: int, each: int) -> None:
        self._most = most
        self._each = each
        self._now: Counter[str] = Counter()

    @property
    def used(self) -> int:
        """How many are under way."""
        return self._now.total()

    @contextmanager
    def one(self, client: str) -> Iterator[bool]:
        """Count one more of this client while inside; False, and not counted, without room."""
        room = self._now.total() < self._most and self._now[client] < self._each
        if not room:
            yield False
            return
        self._now[client] += 1
        try:
            yield True
        finally:
            self._now[client] -= 1
            if not self._now[client]:
                del self._now[client]
