"""A fleet on memory engines that follows a real git repository."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from skerry.clock import SystemClock
from skerry.controllers.continuous import Continuous
from skerry.engines.memory.engine import MemoryEngine
from skerry.errors import EngineUnavailable
from skerry.integrations.git.repository import open_repository
from skerry.model.cell import Cell
from skerry.model.change import Change, Outcome
from skerry.model.keys import ObjectKey, ServiceKey, parse_service_key
from skerry.model.objects import key_of
from skerry.model.reconcile import CellWatch
from skerry.model.world import Finding, Scope, Trouble
from skerry.operations.fleet import Fleet
from skerry.operations.running import Running
from skerry.spec.load import Loader
from tests.fakes.store import MemoryStore
from tests.integrations.git.upstream import Upstream
from tests.operations.world import FakeSecrets, MemoryCell

CELL = "cell: {name}\nengine: kubernetes\ndomain: {name}.acme.dev\nreconcile: {mode}\n"


class Engine(MemoryEngine):
    """A memory engine that somebody meddles with, and that may be dead."""

    def __init__(self, cell: Cell) -> None:
        super().__init__(cell, SystemClock())
        self.drift: dict[ObjectKey, Finding] = {}
        self.dead = False
        self.faulty = False
        self.applied: list[Change] = []

    def meddle(
        self, service: str, kind: str = "Deployment", trouble: Trouble = Trouble.DRIFT
    ) -> None:
        """Somebody changes one of its objects behind Skerry's back."""
        owner = parse_service_key(service)
        key = ObjectKey(kind, *owner)
        self.drift[key] = Finding(
            trouble=trouble, key=key, service=owner, reason="spec is not as applied"
        )

    async def index(self) -> Any:
        if self.faulty:
            raise RuntimeError("a fault of Skerry's own")
        if self.dead:
            raise EngineUnavailable("does not answer", subject=f"cell/{self.cell.cell}")
        return await super().index()

    async def verify(self) -> AsyncIterator[Finding]:
        await self.index()
        for finding in tuple(self.drift.values()):
            yield finding

    async def apply(self, change: Change, *, take_over: bool = False) -> tuple[Outcome, ...]:
        self.applied.append(change)
        for each in change.apply:
            self.drift.pop(key_of(each), None)
        return await super().apply(change, take_over=take_over)


class Site:
    """Clusters by name, each as it was the first time."""

    def __init__(self) -> None:
        self.engines: dict[str, Engine] = {}
        self.cells: dict[str, MemoryCell] = {}

    def known(self) -> tuple[Cell, ...]:
        return tuple(each.cell for each in self.cells.values())

    def at(self, cell: Cell) -> Any:
        engine = self.engines.setdefault(cell.cell, Engine(cell))
        return self.cells.setdefault(cell.cell, MemoryCell(engine))

    async def forget(self, cell: str) -> None:
        del self.cells[cell]


class World:
    """The repository people push to, the fleet, and continuous mode over both."""

    def __init__(self, folder: Path, *, look_seconds: float, poll_seconds: float) -> None:
        self.upstream = Upstream(folder / "shop")
        self.site = Site()
        self.store = MemoryStore()
        clock, secrets = SystemClock(), FakeSecrets()
        self.fleet = Fleet(
            site=self.site,
            ledger=self.store,
            secrets=secrets,
            references=secrets,
            clock=clock,
            running=Running(self.store, clock),
            load=Loader().load,
        )
        git = open_repository(
            folder / "state",
            url=str(self.upstream.folder),
            branch="main",
            folder="",
            environ=os.environ,
        )
        self.continuous = Continuous(
            self.fleet, git, poll_seconds=poll_seconds, look_seconds=look_seconds
        )

    def cell(self, name: str, mode: str = "repair") -> dict[str, str | None]:
        """A cell's document."""
        return {f"cells/{name}.yaml": CELL.format(name=name, mode=mode)}

    def service(self, name: str, image: str = "acme/web:1") -> dict[str, str | None]:
        """A service's document."""
        return {f"{name}.yaml": f"service: {name}\nimage: {image}\n"}

    def engine(self, cell: str = "eu-1") -> Engine:
        """What runs a cell, also before it is first meant."""
        return self.site.engines.setdefault(cell, Engine(Cell(cell=cell)))

    def watch(self, cell: str = "eu-1") -> CellWatch:
        """How it stands."""
        found = {each.cell: each for each in self.continuous.state.cells}
        return found.get(cell) or CellWatch(cell=cell)

    async def image(self, service: str, cell: str = "eu-1") -> str | None:
        """What a cell runs."""
        key = parse_service_key(service)
        seen = await self.engine(cell).observe(Scope(services=frozenset({key})))
        found = [each for each in seen.objects if each["kind"] == "Deployment"]
        return found[0]["spec"]["template"]["spec"]["containers"][0]["image"] if found else None

    async def reasons(self, service: str, cell: str = "eu-1") -> list[tuple[str, str]]:
        """Who made each release, and why; newest first."""
        found = await self.engine(cell).releases(ServiceKey("default", service))
        return [(each.by, each.reason) for each in found]


W = TypeVar("W", bound=World)


@asynccontextmanager
async def following(
    folder: Path,
    *,
    look_seconds: float = 3600,
    poll_seconds: float = 0.1,
    kind: Callable[..., W] = World,  # type: ignore[assignment]  # the default for W
) -> AsyncIterator[W]:
    """Continuous mode for the time of the block; the test starts it."""
    world = kind(folder, look_seconds=look_seconds, poll_seconds=poll_seconds)
    try:
        yield world
    finally:
        await world.continuous.stop()
        await world.fleet.running.close()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds, some seconds at most."""
    for _ in range(1500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it does not come to hold")
