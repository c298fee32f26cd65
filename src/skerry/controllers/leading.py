"""What a server does only while it leads, begun and ended with it."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from skerry.errors import SkerryError
from skerry.loops import Tasks
from skerry.model.leader import Leader
from skerry.ports import Clock, Leadership

log = logging.getLogger(__name__)
Lead = Callable[[], AbstractAsyncContextManager[None]]
PAUSE_SECONDS: Final = 1.0


class Alone:
    """The port Leadership where no other server can be: on SQLite there is one."""

    leads = True

    def __init__(self, clock: Clock, *, name: str, url: str = "") -> None:
        self.leader: Leader | None = Leader(name=name, term=1, since=clock.now(), url=url)

    async def changed(self) -> None:
        """Never."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Nothing to give up."""


class Leading:
    """Enters `lead` when this server leads, and leaves it as soon as it does not."""

    def __init__(self, leadership: Leadership, clock: Clock, *, lead: Lead) -> None:
        self._leadership = leadership
        self._clock = clock
        self._lead = lead
        self._tasks = Tasks()

    async def open(self) -> None:
        """Where it leads from the start, return once what that means has begun. Raises what
        keeps it from beginning."""
        begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks.spawn(self._first(begun), name="leading")
        await begun

    async def close(self) -> None:
        """Leave it."""
        await self._tasks.close()

    async def _first(self, begun: "asyncio.Future[None]") -> None:
        try:
            if self._leadership.leads:
                await self._once(begun)
        except Exception as error:
            if not begun.done():
                begun.set_exception(error)
                return
            raise
        if not begun.done():
            begun.set_result(None)
        while True:
            if not self._leadership.leads:
                await self._leadership.changed()
            try:
                await self._once(begun)
            except SkerryError as error:
                log.error("leading did not begin, and is tried again: %s", error)
                await self._clock.sleep(PAUSE_SECONDS)

    async def _once(self, begun: "asyncio.Future[None]") -> None:
        async with self._lead():
            if not begun.done():
                begun.set_result(None)
            if self._leadership.leads:
                await self._leadership.changed()
