"""What a server runs services on: this machine, or, for tests, nothing."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from skerry.clock import SystemClock
from skerry.errors import EngineUnavailable, GatewayUnavailable
from skerry.model.cell import Cell
from skerry.ports import Clock, Doctor, Engine, Gateway, ImageBuilder, ObjectStore, Secrets
from skerry.wiring.machine import find_host, make_doctor, reach_of, visit
from skerry.wiring.remembered import overruled, remember, remembered, settle

if TYPE_CHECKING:
    from skerry.engines.local.engine import LocalEngine
    from skerry.engines.local.host import Host
    from skerry.integrations.gateway.envoy import EnvoyGateway
    from skerry.integrations.store.folder import State
    from skerry.settings import Settings

log = logging.getLogger(__name__)


class LocalCell:
    """The machine as a cell: container engine, gateway, and the engine over both."""

    references: Secrets | None = None

    def __init__(
        self,
        settings: "Settings",
        state: "State",
        *,
        store: ObjectStore,
        secrets: Secrets,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._state = state
        self._store = store
        self._secrets = secrets
        self._clock = clock
        self._host: Host | None = None
        self._engine: LocalEngine | None = None
        self._gateway: EnvoyGateway | None = None
        self._fault: GatewayUnavailable | None = None
        self._opening = asyncio.Lock()
        self.used = False  # something was applied here since the start

    @property
    def cell(self) -> Cell:
        """What it is now; what it was last, while it is not open."""
        return self._engine.cell if self._engine is not None else remembered(self._settings)

    @property
    def engine(self) -> Engine:
        """What runs the cell now."""
        return self._opened()

    @property
    def gateway(self) -> Gateway | None:
        """The proxy before it."""
        return self._gateway

    @property
    def builder(self) -> ImageBuilder | None:
        """Images are built where they run."""
        return self._opened().images

    @property
    def engine_name(self) -> str:
        """`Podman 4.3.1`."""
        return f"{self._host.name} {self._host.version}" if self._host is not None else "none"

    def settle(self, cell: Cell) -> Cell:
        """The document, with the operator's ports where it says none."""
        return settle(self._settings, cell)

    @property
    def doctor(self) -> Doctor:
        """Looks at what the cell stands on."""
        return make_doctor(self._settings, lambda: self.cell, visit=self._visit_host)

    @asynccontextmanager
    async def _visit_host(self) -> AsyncIterator["Host"]:
        """The one it uses; before it is open, one found for the look."""
        if self._host is not None:
            yield self._host
            return
        async with visit(self._settings) as host:
            yield host

    async def open(self) -> None:
        """Find the container engine, start or adopt the gateway, converge; once. A gateway that
        cannot start is said by `ready`: the rest of the server can run."""
        if self._engine is not None:
            return
        async with self._opening:
            if self._engine is None:
                await self._open_all()

    async def _open_all(self) -> None:
        host = self._host or await find_host(self._settings, self._state.folder, self._clock)
        self._host = host
        cell = remembered(self._settings)
        log.info("cell %s: ports %d and %d on %s", cell.cell, cell.http, cell.https, cell.listen)
        for said in overruled(self._settings, cell):
            log.warning("%s", said)
        await self._open(cell)

    async def close(self) -> None:
        """Let go; services and the gateway go on."""
        if self._engine is not None:
            await self._engine.close()
        if self._gateway is not None:
            await self._gateway.close()
        if self._host is not None:
            await self._host.api.close()
        self._engine = self._gateway = self._host = None

    async def ready(self) -> None:
        """About to be applied to. Raises why the gateway does not serve, after one more try."""
        if self._fault is not None and self._gateway is not None:
            await self._start(self._gateway)
        if self._fault is not None:
            raise self._fault
        self.used = True

    async def become(self, cell: Cell) -> None:
        """Another name, domain or ports, while nothing runs."""
        before = self._opened().cell
        await self._end()
        await self._open(cell)
        if self._fault is not None:
            fault = self._fault
            await self._end()
            await self._open(before)
            raise fault
        remember(self._settings, cell)

    async def destroy(self) -> None:
        """Containers, networks, the proxy itself, and a container engine's service that was
        started for them."""
        await self._end()
        if self._host is not None:
            await self._host.stop()

    async def _end(self) -> None:
        await self._opened().destroy(volumes=False)
        if self._gateway is not None:
            await self._gateway.stop()

    async def _open(self, cell: Cell) -> None:
        from skerry.engines.local.addresses import Ranges
        from skerry.engines.local.engine import LocalEngine, Parts
        from skerry.integrations.gateway.envoy import EnvoyGateway

        assert self._host is not None, "open comes first"
        self._gateway = EnvoyGateway(self._state.gateway, cell, self._clock)
        await self._start(self._gateway)
        self._engine = LocalEngine(
            Parts(
                cell=cell,
                instance=self._state.instance,
                api=self._host.api,
                store=self._store,
                gateway=self._gateway,
                secrets=self._secrets,
                clock=self._clock,
                ranges=Ranges(bridges=self._settings.bridges, stable=self._settings.addresses),
                reach=reach_of(self._settings, self._host),
                ulimits=self._host.ulimits,
                json_logs=self._host.json_logs,
                revive=self._host.revive,
            )
        )
        await self._engine.start()

    async def _start(self, gateway: "EnvoyGateway") -> None:
        try:
            await gateway.start()
            self._fault = None
        except GatewayUnavailable as error:
            self._fault = error
            log.error("the gateway does not start: %s", error)

    def _opened(self) -> "LocalEngine":
        if self._engine is None:
            raise EngineUnavailable(
                "is not open: no container engine answered yet",
                subject=f"cell/{self.cell.cell}",
                hint="skerry doctor",
            )
        return self._engine


class MemoryCell:
    """A cell that is not there."""

    gateway: Gateway | None = None
    builder: ImageBuilder | None = None
    references: Secrets | None = None
    engine_name = "memory"

    def __init__(
        self, engine: Engine, *, applied: Callable[[Cell], Awaitable[None]] | None = None
    ) -> None:
        self.engine = engine
        self._applied = applied
        self.used = False

    @property
    def cell(self) -> Cell:
        """What it is now."""
        return self.engine.cell

    async def open(self) -> None:
        """Always open."""

    def settle(self, cell: Cell) -> Cell:
        """As written."""
        return cell

    async def ready(self) -> None:
        """Always."""
        self.used = True
        if self._applied is not None:
            await self._applied(self.cell)

    async def become(self, cell: Cell) -> None:
        """A fresh engine."""
        from skerry.engines.memory.engine import MemoryEngine

        self.engine = MemoryEngine(cell, SystemClock())

    async def destroy(self) -> None:
        """Nothing is there."""

    async def close(self) -> None:
        """Nothing is open."""
