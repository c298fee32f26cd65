"""A server's parts on the memory engine, for tests: real store or fake, real clock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

from skerry.clock import SystemClock
from skerry.engines.memory.engine import MemoryEngine
from skerry.errors import NotFound
from skerry.model.access import Identity, Role
from skerry.model.cell import LOCAL, Cell, EngineKind
from skerry.model.keys import ServiceKey, parse_service_key
from skerry.model.progress import Operation, Progress
from skerry.model.repository import Repository
from skerry.model.secret import SecretValue
from skerry.model.sources import Sources
from skerry.model.world import ServiceState
from skerry.operations import deploy
from skerry.operations.deploy import Request
from skerry.operations.fleet import Fleet
from skerry.operations.platform import Platform
from skerry.operations.resume import resume
from skerry.operations.running import Running
from skerry.operations.status import status
from skerry.spec.load import load as read
from tests.builders import ServiceBuilder, repository
from tests.fakes.store import MemoryStore

ADMIN = Identity(name="ada", role=Role.ADMIN)
PAYMENTS = Identity(name="pia", role=Role.DEPLOYER, namespaces=frozenset({"payments"}))


class FakeSecrets:
    """Secrets in a dictionary; the fingerprint tells nothing."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = dict(values or {})

    async def resolve(self, reference: str) -> SecretValue:
        return SecretValue(self._find(reference))

    async def fingerprint(self, reference: str) -> str:
        return f"{hash(self._find(reference)) & 0xFFFF:04x}"

    async def put(self, name: str, value: SecretValue) -> None:
        self.values[name] = value.reveal()

    async def drop(self, name: str) -> None:
        self._find(f"store:{name}")
        del self.values[name]

    async def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.values))

    def _find(self, reference: str) -> str:
        name = reference.partition(":")[2]
        if name not in self.values:
            raise NotFound(
                "is not set", subject=f"secret/{name}", hint=f"skerry secrets set {name}"
            )
        return self.values[name]


class MemoryCell:
    """A cell on the memory engine."""

    gateway = None
    builder = None
    references = None
    engine_name = "memory"

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.destroyed = False
        self.used = False

    @property
    def cell(self) -> Cell:
        return self.engine.cell  # type: ignore[no-any-return]  # any engine

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def settle(self, cell: Cell) -> Cell:
        return cell

    async def ready(self) -> None:
        pass

    async def become(self, cell: Cell) -> None:
        self.engine = MemoryEngine(cell, SystemClock())

    async def destroy(self) -> None:
        self.destroyed = True


@dataclass
class World:
    """A server's parts, and short ways to use them."""

    platform: Platform
    engine: MemoryEngine

    def declare(self, *cells: Cell) -> None:
        """The cells every repository declares from now on."""
        cast(Loader, self.platform.load).cells = cells

    async def plan(self, *services: ServiceBuilder, by: Identity = ADMIN, **kind: Any) -> Any:
        return await deploy.plan(self.platform, Request(sources=sources(*services), by=by, **kind))

    async def begin(
        self, *services: ServiceBuilder, by: Identity = ADMIN, **kind: Any
    ) -> Operation:
        expected = kind.pop("expected", None)
        request = Request(sources=sources(*services), by=by, **kind)
        return await deploy.apply(self.platform, request, expected=expected)

    async def apply(self, *services: ServiceBuilder, **kind: Any) -> Operation:
        return await self.ended(await self.begin(*services, **kind))

    async def ended(self, operation: Operation) -> Operation:
        async with asyncio.timeout(20):
            return await self.platform.running.wait(operation.id)

    async def state(self, name: str) -> ServiceState | None:
        key = parse_service_key(name)
        return (await status(self.platform, by=ADMIN)).services.get(key)

    async def said(self, operation: Operation) -> tuple[Progress, ...]:
        return await self.platform.ledger.said(operation.id)

    async def verdicts(self, name: str) -> list[tuple[int, str]]:
        found = await self.engine.releases(parse_service_key(name))
        return [(each.number, each.verdict.value) for each in found]


_DOCUMENTS: dict[str, tuple[ServiceBuilder, ...]] = {}


def sources(*services: ServiceBuilder, name: str = "shop") -> Sources:
    """Sources that stand for these services: what `Loader` finds again by their name."""
    contents = {path: data for each in services for path, data in each.contents.items()}
    key = f"{name}#{len(_DOCUMENTS)}"
    _DOCUMENTS[key] = services
    return Sources(name=key, texts=(), contents=contents)


class Loader:
    """What spec would have made of them, with the cells a test declares."""

    def __init__(self) -> None:
        self.cells: tuple[Cell, ...] = ()

    def __call__(self, given: Sources) -> Repository:
        if given.name not in _DOCUMENTS:
            found = read(given)
            return replace(found, cells=self.cells or found.cells)
        found = repository(*_DOCUMENTS[given.name], name=given.name.partition("#")[0])
        return replace(found, cells=self.cells)


def parts(engine: Any, ledger: Any, *, secrets: Any = None, clock: Any = None) -> Platform:
    """A platform from an engine and a ledger."""
    clock = clock or SystemClock()
    secrets = secrets or FakeSecrets()
    return Platform(
        cells=MemoryCell(engine),
        ledger=ledger,
        secrets=secrets,
        references=secrets,
        clock=clock,
        running=Running(ledger, clock),
        load=Loader(),
    )


class Site:
    """Cells on memory engines, the machine first; a document that is not known yet is another."""

    def __init__(self, *cells: Any) -> None:
        self.cells = list(cells)
        self.declared: dict[str, Any] = {}

    def known(self) -> tuple[Cell, ...]:
        return tuple(each.cell for each in self.cells)

    def at(self, cell: Cell) -> Any:
        if cell.engine is EngineKind.LOCAL:
            return self.cells[0]
        every = [*self.cells, *self.declared.values()]
        found = next((each for each in every if each.cell.cell == cell.cell), None)
        if found is None:
            found = self.declared[cell.cell] = MemoryCell(MemoryEngine(cell, SystemClock()))
        return found

    async def forget(self, cell: str) -> None:
        self.cells = [each for each in self.cells if each.cell.cell != cell]


def fleet_of(*platforms: Platform) -> Fleet:
    """The fleet of these cells."""
    first = platforms[0]
    return Fleet(
        site=Site(*(each.cells for each in platforms)),
        ledger=first.ledger,
        secrets=first.secrets,
        references=first.references,
        clock=first.clock,
        running=first.running,
        load=first.load,
        doctor=first.doctor,
        state=first.state,
    )


@asynccontextmanager
async def world(
    *,
    ledger: Any = None,
    secrets: Any = None,
    clock: Any = None,
    start_seconds: float = 0.0,
    drain: float = 0.0,
) -> AsyncIterator[World]:
    """A world for the time of the block; `clock` is the server's, not its simulated cell's."""
    engine = MemoryEngine(LOCAL, SystemClock(), start_seconds=start_seconds, drain_seconds=drain)
    platform = parts(engine, ledger or MemoryStore(), secrets=secrets, clock=clock)
    try:
        yield World(platform, engine)
    finally:
        await platform.running.close()


async def restarted(old: World, *, ledger: Any) -> World:
    """A new server over the same engine and ledger, which has taken up what was left."""
    platform = parts(old.engine, ledger)
    await resume(fleet_of(platform))
    return World(platform, old.engine)


def key(name: str) -> ServiceKey:
    """`"payments/web"` -> its key."""
    return parse_service_key(name)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds, a few seconds at most."""
    for _ in range(10_000):
        if await holds():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it does not come to hold")
