"""What a local cell keeps beside its objects: releases, small facts, and who writes."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from skerry.engines.local.api import ApiError, ContainerApi
from skerry.engines.local.state import CellState
from skerry.engines.writers import Writers
from skerry.errors import EngineUnavailable
from skerry.model.change import Release
from skerry.model.keys import ServiceKey
from skerry.model.world import CellReport, Finding

_FACT: Final = "remembered"


class Records:
    """The part of the port that runs nothing."""

    def __init__(self, cell: str, state: CellState, api: ContainerApi) -> None:
        self._cell_name = cell
        self._cell_state = state
        self._api = api
        self._writers = Writers(cell)

    async def record(self, *releases: Release) -> None:
        """Write releases, or their verdicts, by service and number."""
        state = self._cell_state
        for release in releases:
            await state.store.record(release)
            newest = state.newest.get(release.service)
            if newest is None or release.number >= newest.number:
                state.newest[release.service] = release
            state.touch(release.service)

    async def releases(self, service: ServiceKey) -> tuple[Release, ...]:
        """Its releases, newest first."""
        return await self._cell_state.store.releases(service)

    def writing(
        self, services: Collection[ServiceKey], *, by: str, stack: str | None = None
    ) -> AbstractAsyncContextManager[None]:
        """Be the only writer of these until the block ends: a local cell has one server.
        Raises Conflict."""
        return self._writers.writing(services, by=by, stack=stack)

    async def verify(self) -> AsyncIterator[Finding]:
        """Nothing can differ: what is wanted is kept here alone, and containers are made to
        be so all the time."""
        nothing: tuple[Finding, ...] = ()
        for finding in nothing:
            yield finding

    async def report(self) -> CellReport:
        """The machine at a glance. Raises EngineUnavailable."""
        try:
            info = await self._api.call("GET", "info")
            name = "Podman" if await self._api.is_podman() else "Docker"
        except ApiError as error:
            raise EngineUnavailable(error.message, subject=f"cell/{self._cell_name}") from error
        return CellReport(
            cell=self._cell_name,
            version=f"{name} {info.get('ServerVersion', '')}".strip(),
            services=len(self._cell_state.deployments()),
            machines=1,
            cpu_millicores=1000 * int(info["NCPU"]) if "NCPU" in info else None,
            memory_bytes=int(info["MemTotal"]) if "MemTotal" in info else None,
            problems=tuple(self._cell_state.problems[topic] for topic in self._topics()),
        )

    async def remember(self, name: str, fact: Mapping[str, Any] | None) -> None:
        """Keep a small document, or forget it (None)."""
        await self._cell_state.store.put_fact(_FACT, name, fact)

    async def recall(self, name: str) -> Mapping[str, Any] | None:
        """What was kept under this name."""
        return (await self._cell_state.store.facts(_FACT)).get(name)

    def _topics(self) -> list[str]:
        return sorted(self._cell_state.problems)
