"""Looks at a cell: one now (`observe`), or one after each change (`watch`).

A few services are watched by themselves. Many, or a stack, share one informer over the whole
cell, which is there as long as somebody uses it and a little longer: to begin it means to list
everything.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from skerry.engines.kubernetes import scaling
from skerry.engines.kubernetes.batches import Batches
from skerry.engines.kubernetes.board import Board
from skerry.engines.kubernetes.informer import WIDE, Informer, beside, narrow, read_sources
from skerry.engines.kubernetes.observing import observation, observe, releases_of
from skerry.engines.kubernetes.parts import Parts
from skerry.errors import SkerryError
from skerry.loops import Tasks
from skerry.model.change import Release
from skerry.model.keys import ServiceKey
from skerry.model.world import EVERYTHING, Observation, Scope

HEARTBEAT_SECONDS: Final = 10.0
RELEASES_SECONDS: Final = 5.0
NARROW: Final = 8
"""Up to so many services have watches of their own, and so many such looks at once."""
LINGER_SECONDS: Final = 20.0
_READ_AT_ONCE: Final = 16
_REMEMBERED: Final = 256
_TOGETHER_SECONDS: Final = 0.05
_TOGETHER_WIDE_SECONDS: Final = 0.3


class Watches:
    """All looks at one cell. `close` ends what they share."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._tasks = Tasks()
        self._narrow: set[Informer] = set()
        self._shared: Informer | None = None
        self._users = 0
        self._idle_since = 0.0
        self._giving_back: set[ServiceKey] = set()
        self._releases: dict[ServiceKey, tuple[float, Release | None]] = {}
        self._newest = Batches(self._read_newest, most=_READ_AT_ONCE)

    async def close(self) -> None:
        """End every watch, whoever uses it."""
        await self._tasks.close()
        shared = () if self._shared is None else (self._shared,)
        for informer in (*self._narrow, *shared):
            await informer.close()

    async def observe(self, scope: Scope = EVERYTHING) -> Observation:
        """One look, at the cell itself."""
        seen = await observe(self._parts, scope)
        self._end_overrides(seen)
        return seen

    async def watch(self, scope: Scope = EVERYTHING) -> AsyncIterator[Observation]:
        """An observation now, after each change, and at least every ten seconds. Raises what
        keeps the first from being made; later the trouble is in `problems`."""
        few = scope.services is not None and len(scope.services) <= NARROW
        alone = few and self._shared is None and len(self._narrow) < NARROW
        opened = self._own(scope) if alone else self._common(scope)
        async with opened as (informer, together):
            bell = informer.listen(scope)
            try:
                while True:
                    bell.clear()
                    seen = await self._look(informer, scope)
                    self._end_overrides(seen)
                    yield seen
                    await self._parts.clock.sleep(together)
                    await self._rung(bell, at_most=_pause(seen))
            finally:
                informer.forget(bell)

    async def _look(self, informer: Informer, scope: Scope) -> Observation:
        look = dict(informer.board.look(scope))
        problem = informer.problem
        releases: Mapping[ServiceKey, Release] = {}
        if scope.services is not None and len(scope.services) <= NARROW:
            try:
                releases = await self._recent_releases(scope)
            except SkerryError as error:
                problem = problem or str(error)
        return observation(self._parts, look, releases=releases, problem=problem)

    async def _recent_releases(self, scope: Scope) -> Mapping[ServiceKey, Release]:
        """Read a few times a minute, not with every pod that moves; those of many in one."""
        services = sorted(scope.services or ())
        found = await asyncio.gather(*(self._recent_release(each) for each in services))
        pairs = zip(services, found, strict=True)
        return {service: each for service, each in pairs if each is not None}

    async def _recent_release(self, service: ServiceKey) -> Release | None:
        now = self._parts.clock.monotonic()
        at, found = self._releases.get(service, (float("-inf"), None))
        if now - at >= RELEASES_SECONDS:
            found = await self._newest.ask(service)
            if len(self._releases) > _REMEMBERED:
                self._releases.clear()
            self._releases[service] = (now, found)
        return found

    async def _read_newest(self, services: frozenset[ServiceKey]) -> Mapping[ServiceKey, Release]:
        return await releases_of(self._parts, Scope(services=services))

    @asynccontextmanager
    async def _own(self, scope: Scope) -> AsyncIterator[tuple[Informer, float]]:
        """Watches of these services alone."""
        services = sorted(scope.services or ())
        informer = Informer(self._parts, narrow(services))
        self._narrow.add(informer)
        tasks = Tasks()
        try:
            informer.start()
            await informer.synced()
            await read_sources(self._parts, informer.board, beside(services))
            tasks.spawn(self._look_beside(informer.board, services), name="rare changes")
            yield informer, _TOGETHER_SECONDS
        finally:
            self._narrow.discard(informer)
            await tasks.close()
            await informer.close()

    async def _look_beside(self, board: Board, services: list[ServiceKey]) -> None:
        while True:
            await self._parts.clock.sleep(HEARTBEAT_SECONDS)
            try:
                await read_sources(self._parts, board, beside(services))
            except SkerryError:
                continue  # the watches say what the trouble is

    @asynccontextmanager
    async def _common(self, scope: Scope) -> AsyncIterator[tuple[Informer, float]]:
        """The watches of the whole cell, begun by their first user and ended after the last."""
        if self._shared is None:
            self._shared = Informer(self._parts, WIDE)
            self._shared.start()
        informer = self._shared
        self._users += 1
        try:
            await informer.synced()
            await informer.refresh(scope)
            yield informer, _TOGETHER_WIDE_SECONDS
        finally:
            self._users -= 1
            if not self._users:
                self._idle_since = self._parts.clock.monotonic()
                self._tasks.spawn(self._end_unused(informer), name="the end of the cell's watches")

    async def _end_unused(self, informer: Informer) -> None:
        await self._parts.clock.sleep(LINGER_SECONDS)
        idle = self._parts.clock.monotonic() - self._idle_since
        if not self._users and self._shared is informer and idle >= LINGER_SECONDS:
            self._shared = None
            await informer.close()

    async def _rung(self, bell: asyncio.Event, *, at_most: float) -> None:
        """Until it rings, or so many seconds are over."""
        tasks = Tasks()
        rung = tasks.spawn(bell.wait(), name="bell")
        pause = tasks.spawn(self._parts.clock.sleep(at_most), name="heartbeat")
        try:
            await asyncio.wait({rung, pause}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await tasks.close()

    def _end_overrides(self, seen: Observation) -> None:
        """Counts set by hand whose time is over are given back by whoever looks."""
        for service, override in seen.overrides.items():
            due = override.until is not None and override.until <= seen.at
            if due and service not in self._giving_back:
                self._giving_back.add(service)
                self._tasks.spawn(self._give_back(service), name=f"the count of {service}")

    async def _give_back(self, service: ServiceKey) -> None:
        try:
            await scaling.scale(self._parts, service, None)
        except SkerryError:
            return  # the next look tries again
        finally:
            self._giving_back.discard(service)


def _pause(seen: Observation) -> float:
    """Seconds until something is due by itself: a count set by hand ends, or a heartbeat."""
    dues = [each.until for each in seen.overrides.values() if each.until is not None]
    left = [(due - seen.at).total_seconds() for due in dues]
    return max(0.1, min((HEARTBEAT_SECONDS, *left)))
