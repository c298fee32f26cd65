"""Settings -> a platform: which engine, store, secrets and gateway stand behind the ports.

The only module that names them. Each is imported when it is opened, so that a server pays
only for what it uses, and a look at the machine without a server for nothing else.
"""

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from skerry.clock import SystemClock
from skerry.errors import GatewayUnavailable, SkerryError
from skerry.model.access import Role
from skerry.model.cell import Cell
from skerry.ports import Clock, Engine, Gateway, ImageBuilder, Ledger, ObjectStore, Secrets

if TYPE_CHECKING:
    from skerry.engines.local.engine import LocalEngine
    from skerry.engines.local.host import Host
    from skerry.integrations.gateway.envoy import EnvoyGateway
    from skerry.integrations.store.folder import State
    from skerry.integrations.store.store import Store
    from skerry.model.repository import Repository
    from skerry.model.sources import Sources
    from skerry.operations.platform import OwnCell, Platform
    from skerry.report.shapes import CheckView
    from skerry.settings import Settings
    from skerry.spec.load import Loader

log = logging.getLogger(__name__)
LOCAL_ADMIN: Final = "local-admin"
RETRY_SECONDS: Final = 5.0


@asynccontextmanager
async def open_server(settings: "Settings", state: "State") -> AsyncIterator["Platform"]:
    """All of one machine's server, what an earlier one left taken up again. At the end
    everything is let go of in reverse; services and the gateway go on.

    Raises SkerryError for what it cannot do without: the store, the key, a container engine.
    """
    from skerry.integrations.store.open import open_store

    clock = SystemClock()
    async with AsyncExitStack() as opened:
        store = await asyncio.to_thread(
            open_store, settings.database_url, clock, history=settings.history
        )
        opened.push_async_callback(store.close)
        await keep_admin_token(store, clock, state)
        secrets = await _open_secrets(store, state)
        cell = LocalCell(settings, state, store=store, secrets=secrets.references, clock=clock)
        opened.push_async_callback(cell.close)
        await cell.open()
        platform = await opened.enter_async_context(
            _platform(cell, store, secrets, state=str(state.folder))
        )
        yield platform


@asynccontextmanager
async def open_memory(
    state: "State", *, start_seconds: float = 0.0, cell: Cell | None = None
) -> AsyncIterator["Platform"]:
    """A server on the memory engine, for tests: its own store and secrets are real."""
    from skerry.engines.memory.engine import MemoryEngine
    from skerry.integrations.store.open import open_store

    clock = SystemClock()
    async with AsyncExitStack() as opened:
        store = open_store(f"sqlite:///{state.folder}/skerry.db", clock)
        opened.push_async_callback(store.close)
        await keep_admin_token(store, clock, state)
        engine = MemoryEngine(cell or Cell(), clock, start_seconds=start_seconds)
        secrets = await _open_secrets(store, state)
        yield await opened.enter_async_context(
            _platform(MemoryCell(engine), store, secrets, state=str(state.folder))
        )


async def keep_admin_token(ledger: Ledger, clock: Clock, state: "State") -> None:
    """The token the command line on this machine uses: made at the first start, and again
    when its file or its record is gone. Mode 0600."""
    from skerry.integrations.store.once import replace_whole
    from skerry.operations.tokens import digest_of, issue

    try:
        written = state.token_file.read_text().strip()
    except FileNotFoundError:
        written = ""
    if written and await ledger.token(digest_of(written)) is not None:
        return
    for token in await ledger.tokens():
        if token.identity.name == LOCAL_ADMIN:
            await ledger.drop_token(token.id)
    secret, _ = await issue(ledger, clock, name=LOCAL_ADMIN, role=Role.ADMIN)
    replace_whole(state.token_file, secret.encode() + b"\n")


def check_machine() -> Sequence["CheckView"]:
    """Look at this machine without a server: for `skerry doctor` when none answers."""
    from skerry.settings import Settings

    try:
        settings = Settings.from_environment(os.environ)
        host = asyncio.run(_look_for_engine(settings))
    except SkerryError as error:
        return [{"name": error.subject, "ok": False, "message": error.cause, "hint": error.hint}]
    return [{"name": "engine", "ok": True, "message": f"{host} answers", "hint": ""}]


class _Secrets:
    """The store's own secrets, and every provider of references."""

    def __init__(self, own: Any, references: Secrets) -> None:
        self.own = own
        self.references = references


class LocalCell:
    """The machine as a cell: container engine, gateway, and the engine over both."""

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
        said = {"http": self._settings.http_port, "https": self._settings.https_port}
        free = {
            name: port
            for name, port in said.items()
            if port is not None and name not in cell.model_fields_set
        }
        return cell.model_copy(update=free)

    async def open(self) -> None:
        """Find the container engine, start or adopt the gateway, converge. A gateway that
        cannot start is said by `ready`: the rest of the server can run."""
        self._host = await _find_host(self._settings, self._state, self._clock)
        await self._open(self._remembered())

    async def close(self) -> None:
        """Let go; services and the gateway go on."""
        if self._engine is not None:
            await self._engine.close()
        if self._gateway is not None:
            await self._gateway.close()
        if self._host is not None:
            await self._host.api.close()

    async def ready(self) -> None:
        """Raises why the gateway does not serve, after one more try."""
        if self._fault is not None and self._gateway is not None:
            await self._start(self._gateway)
        if self._fault is not None:
            raise self._fault

    async def become(self, cell: Cell) -> None:
        """Another name, domain or ports, while nothing runs."""
        from skerry.integrations.store.once import replace_whole

        before = self._opened().cell
        await self._end()
        await self._open(cell)
        if self._fault is not None:
            fault = self._fault
            await self._end()
            await self._open(before)
            raise fault
        replace_whole(self._state.folder / "cell.json", cell.model_dump_json().encode())

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
                reach=_reach(self._settings, self._host),
                ulimits=self._host.ulimits,
                json_logs=self._host.json_logs,
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
        assert self._engine is not None, "open comes first"
        return self._engine

    def _remembered(self) -> Cell:
        """What the first documents said, else what the settings say."""
        path = self._state.folder / "cell.json"
        if not path.exists():
            return self.settle(Cell())
        return Cell.model_validate_json(path.read_bytes())


class MemoryCell:
    """A cell that is not there."""

    gateway: Gateway | None = None
    builder: ImageBuilder | None = None
    engine_name = "memory"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def settle(self, cell: Cell) -> Cell:
        """As written."""
        return cell

    async def ready(self) -> None:
        """Always."""

    async def become(self, cell: Cell) -> None:
        """A fresh engine."""
        from skerry.engines.memory.engine import MemoryEngine

        self.engine = MemoryEngine(cell, SystemClock())

    async def destroy(self) -> None:
        """Nothing is there."""


@asynccontextmanager
async def _platform(
    cell: "OwnCell", store: "Store", secrets: _Secrets, *, state: str
) -> AsyncIterator["Platform"]:
    from skerry.operations.platform import Platform
    from skerry.operations.resume import resume
    from skerry.operations.running import Running

    clock = SystemClock()
    running = Running(store, clock)
    platform = Platform(
        cells=cell,
        ledger=store,
        secrets=secrets.own,
        references=secrets.references,
        clock=clock,
        running=running,
        load=_loader(),
        state=state,
    )
    try:
        await resume(platform)
        yield platform
    finally:
        await running.close()


def _loader() -> "Callable[[Sources], Repository]":
    """Remembers documents between plans. Imported at the first: a server that only looks
    after services reads no YAML."""
    known: list[Loader] = []
    one_at_a_time = threading.Lock()

    def load(sources: "Sources") -> "Repository":
        from skerry.spec.load import Loader

        with one_at_a_time:
            if not known:
                known.append(Loader())
            return known[0].load(sources)

    return load


async def _open_secrets(store: "Store", state: "State") -> _Secrets:
    from skerry.integrations.secrets.providers import Providers
    from skerry.integrations.secrets.store import EncryptedSecrets

    own = EncryptedSecrets(store, state.key_file)
    await own.open()
    return _Secrets(own, Providers({"store": own}))


async def _find_host(settings: "Settings", state: "State", clock: Clock) -> "Host":
    from skerry.engines.local.host import find_engine

    named = {"DOCKER_HOST": settings.engine_url} if settings.engine_url else {}
    return await find_engine(state.folder, clock, environ={**os.environ, **named})


async def _look_for_engine(settings: "Settings") -> str:
    from skerry.settings import open_state

    host = await _find_host(settings, open_state(settings), SystemClock())
    await host.api.close()
    return f"{host.name} {host.version}"


def _reach(settings: "Settings", host: "Host") -> Any:
    from skerry.engines.local.host import Reach
    from skerry.settings import Reach as Asked

    return host.reach if settings.reach is Asked.AUTO else Reach(settings.reach.value)
