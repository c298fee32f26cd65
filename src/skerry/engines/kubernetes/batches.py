"""Questions asked at the same time, answered by one request."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
MOST: Final = 50
"""So many questions go into one request: its URL stays below what servers and proxies take."""


class Batches(Generic[K, V]):
    """One request at a time: what is asked meanwhile is asked by the next one."""

    def __init__(
        self, answer: Callable[[frozenset[K]], Awaitable[Mapping[K, V]]], *, most: int = MOST
    ) -> None:
        self._answer = answer
        self._most = most
        self._turn = asyncio.Lock()
        self._open: Batch[K, V] = Batch()

    async def ask(self, key: K) -> V | None:
        """What there is under this key. Raises what the request did."""
        if len(self._open.keys) >= self._most:
            self._open = Batch()
        batch = self._open
        batch.keys.add(key)
        async with self._turn:
            if batch.answers is None:
                if self._open is batch:
                    self._open = Batch()
                batch.answers = await self._answer(frozenset(batch.keys))
        return batch.answers.get(key)


class Batch(Generic[K, V]):
    """One request, sent by the first who asked; when that fails or is left, by the next."""

    def __init__(self) -> None:
        self.keys: set[K] = set()
        self.answers: Mapping[K, V] | None = None
