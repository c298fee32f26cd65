"""One watch for many services: its newest look, for whoever reads slower than things change."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType
from typing import Self, cast

from skerry.loops import Tasks
from skerry.model.keys import ServiceKey
from skerry.model.objects import owner_of
from skerry.model.world import Observation, Scope, ServiceState
from skerry.observer.understand import understand
from skerry.ports import Clock, Engine


class Lookout:
    """Watches for the time of a `with` block."""

    def __init__(self, engine: Engine, clock: Clock, scope: Scope) -> None:
        self._engine = engine
        self._clock = clock
        self._scope = scope
        self._tasks = Tasks()
        self._newest: Observation | None = None
        self._error: Exception | None = None
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._tasks.spawn(self._watch(), name="the watch of a wave")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._tasks.close()

    async def look(self, *, within: float) -> Observation | None:
        """The newest look that was not given yet, or None when there is none within so many
        seconds. Raises what ended the watch."""
        waits = Tasks()
        news = waits.spawn(self._news.wait(), name="news of a wave")
        pause = waits.spawn(self._clock.sleep(within), name="a wave's pause")
        await asyncio.wait((news, pause), return_when=asyncio.FIRST_COMPLETED)
        await waits.close()
        if self._error is not None:
            raise self._error
        self._news.clear()
        newest, self._newest = self._newest, None
        return newest

    async def _watch(self) -> None:
        try:
            looks = cast("AsyncGenerator[Observation, None]", self._engine.watch(self._scope))
            async with aclosing(looks):
                async for self._newest in looks:
                    self._news.set()
        except Exception as error:
            self._error = error
            self._news.set()


def states_of(
    look: Observation, services: Collection[ServiceKey]
) -> dict[ServiceKey, ServiceState]:
    """How these services are; of the others, of whom there may be thousands, nothing is made."""
    mine = replace(
        look,
        objects=tuple(each for each in look.objects if owner_of(each) in services),
        pods=tuple(each for each in look.pods if owner_of(each) in services),
    )
    return dict(understand(mine).services)
