"""Fleets of memory cells: good, dead and slow ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from skerry.clock import SystemClock
from skerry.engines.memory.engine import MemoryEngine
from skerry.errors import EngineUnavailable
from skerry.model.cell import Cell, EngineKind
from skerry.operations.fleet import Fleet
from skerry.operations.platform import Platform
from tests.fakes.store import MemoryStore
from tests.operations.world import MemoryCell, fleet_of, parts


def cluster(name: str, *, start: float = 0.0, **more: Any) -> MemoryCell:
    """A good one, whose replicas take that long to be ready."""
    engine = MemoryEngine(_document(name, **more), SystemClock(), start_seconds=start)
    return MemoryCell(engine)


class Dead(MemoryCell):
    """Nothing answers there."""

    def __init__(self, name: str) -> None:
        super().__init__(MemoryEngine(_document(name), SystemClock()))

    async def open(self) -> None:
        raise EngineUnavailable("connection refused", subject=f"cell/{self.cell.cell}")


class Slow(MemoryCell):
    """Everything takes that long before it begins."""

    def __init__(self, name: str, *, seconds: float) -> None:
        super().__init__(MemoryEngine(_document(name), SystemClock()))
        self._seconds = seconds

    async def open(self) -> None:
        await asyncio.sleep(self._seconds)


@dataclass
class FleetWorld:
    """A fleet, and any of its platforms."""

    fleet: Fleet
    any: Platform


@asynccontextmanager
async def fleet_world(*cells: MemoryCell, ledger: Any = None) -> AsyncIterator[FleetWorld]:
    """For the time of the block; the cells are known in the order of their names."""
    platform = parts(cells[0].engine, ledger or MemoryStore())
    fleet = fleet_of(platform)
    site: Any = fleet.site
    site.cells = sorted(cells, key=lambda each: each.cell.cell)
    try:
        yield FleetWorld(fleet, platform)
    finally:
        await platform.running.close()


def _document(name: str, **more: Any) -> Cell:
    return Cell(cell=name, engine=EngineKind.KUBERNETES, **more)
