"""Hears of containers that end, from one stream of events; looks at all of them now and then."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import orjson

from skerry.engines.local.api import ApiError
from skerry.engines.local.containers import INSTANCE
from skerry.engines.local.crew import Crew
from skerry.engines.local.replica import Phase
from skerry.engines.local.runtime import Found
from skerry.errors import EngineUnavailable, Refused

log = logging.getLogger(__name__)

_FIRST_RETRY_SECONDS: Final = 0.2
_LONGEST_RETRY_SECONDS: Final = 5.0
_RESYNC_SECONDS: Final = 60.0
_ENDS: Final = frozenset({"die", "died", "remove", "destroy"})
_GONE: Final = frozenset({"exited", "dead", "stopped"})

Revive = Callable[[], Awaitable[None]]


async def nothing_to_revive() -> None:
    """The container engine is somebody else's to start."""


async def revived(revive: Revive) -> None:
    """Try to bring the container engine back; the caller asks it again in any case."""
    try:
        await revive()
    except (EngineUnavailable, OSError) as error:
        log.warning("the container engine cannot be started again: %s", error)


class Ears:
    """Listens to the container engine, reconnecting for as long as it takes. An engine that
    does not answer says nothing about the containers: they are left as they are."""

    def __init__(
        self, crew: Crew, *, strays: Callable[[Found], Awaitable[None]], revive: Revive
    ) -> None:
        self._crew = crew
        self._revive = revive
        self._strays = strays

    async def run(self) -> None:
        """Listen until cancelled."""
        pause = _FIRST_RETRY_SECONDS
        while True:
            try:
                await self._listen()
                pause = _FIRST_RETRY_SECONDS
            except (EngineUnavailable, ApiError) as error:
                self._crew.state.say("engine", str(error))
                self._crew.networks.forget_ready()
                await revived(self._revive)
            await self._crew.clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_RETRY_SECONDS)

    async def look(self) -> None:
        """Compare what the engine lists with what is known: ends that were missed, containers
        nobody knows. Raises EngineUnavailable, ApiError."""
        known_before = {one.container for one in self._crew.state.replicas.values()}
        found = {one.name: one for one in await self._crew.runtime.list()}
        self._crew.state.say("engine", "")
        replicas = {one.container: one for one in self._crew.state.replicas.values()}
        for name, replica in replicas.items():
            there = found.get(name)
            gone = there is None or there.state in _GONE
            if replica.phase is Phase.RUNNING and name in known_before and gone:
                replica.ended.set()
        for name, one in found.items():
            if name not in replicas:
                await self._strays(one)

    async def _listen(self) -> None:
        filters = {
            "type": ["container"],
            "label": [f"{INSTANCE}={self._crew.settings.instance}"],
        }
        query = {"filters": orjson.dumps(filters).decode()}
        async with self._crew.runtime.api.open("GET", "events", query=query) as answer:
            looking = asyncio.ensure_future(self._look_on())
            try:
                async for line in answer.content:
                    self._hear(line)
            finally:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)

    async def _look_on(self) -> None:
        while True:
            try:
                await self.look()
                await self._crew.book.assert_again()
            except (EngineUnavailable, ApiError, Refused) as error:
                log.info("could not look at the containers: %s", error)
            await self._crew.clock.sleep(_RESYNC_SECONDS)

    def _hear(self, line: bytes) -> None:
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            return
        if event.get("Action", event.get("status")) not in _ENDS:
            return
        name = ((event.get("Actor") or {}).get("Attributes") or {}).get("name")
        for replica in self._crew.state.replicas.values():
            if replica.container == name:
                replica.ended.set()
