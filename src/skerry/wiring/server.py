"""A server's parts, opened in order and let go of in reverse."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from skerry.clock import SystemClock
from skerry.model.access import Role
from skerry.model.cell import Cell
from skerry.ports import Clock, Doctor, Ledger, Secrets
from skerry.wiring.cell import LocalCell, MemoryCell

if TYPE_CHECKING:
    from skerry.integrations.store.folder import State
    from skerry.integrations.store.store import Store
    from skerry.model.repository import Repository
    from skerry.model.sources import Sources
    from skerry.operations.platform import OwnCell, Platform
    from skerry.settings import Settings
    from skerry.spec.load import Loader

LOCAL_ADMIN: Final = "local-admin"


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
            _platform(cell, store, secrets, state=str(state.folder), doctor=cell.doctor)
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


class _Secrets:
    """The store's own secrets, and every provider of references."""

    def __init__(self, own: Any, references: Secrets) -> None:
        self.own = own
        self.references = references


@asynccontextmanager
async def _platform(
    cell: "OwnCell",
    store: "Store",
    secrets: _Secrets,
    *,
    state: str,
    doctor: Doctor | None = None,
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
        doctor=doctor,
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
