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
from skerry.settings import Local
from skerry.wiring.cell import LocalCell, MemoryCell
from skerry.wiring.cluster import ClusterCell
from skerry.wiring.local import open_machine
from skerry.wiring.notebooks import StoreNotebook
from skerry.wiring.site import CellSite

if TYPE_CHECKING:
    from skerry.integrations.store.folder import State
    from skerry.integrations.store.store import Store
    from skerry.model.repository import Repository
    from skerry.model.sources import Sources
    from skerry.operations.fleet import Fleet, Site
    from skerry.settings import Settings
    from skerry.spec.load import Loader

LOCAL_ADMIN: Final = "local-admin"


@asynccontextmanager
async def open_server(settings: "Settings", state: "State") -> AsyncIterator["Fleet"]:
    """All of a server, what an earlier one left taken up again. At the end everything is let
    go of in reverse; services and the gateway go on.

    Raises SkerryError for what it cannot do without: the store, the key, and with
    `SKERRY_LOCAL=on` a container engine.
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
        machine = None
        if settings.local is not Local.OFF:
            machine = LocalCell(
                settings, state, store=store, secrets=secrets.references, clock=clock
            )
            opened.push_async_callback(machine.close)
        site = CellSite(
            StoreNotebook(store, state.folder),
            machine=machine,
            cluster=lambda cell, applied: ClusterCell(
                cell, clock=clock, secrets=secrets.references, applied=applied
            ),
        )
        await site.open()
        opened.push_async_callback(site.close)
        if machine is not None:
            await open_machine(machine, site, settings=settings, store=store)
        doctor = machine.doctor if machine is not None else None
        yield await opened.enter_async_context(
            _fleet(site, store, secrets, state=str(state.folder), doctor=doctor)
        )


@asynccontextmanager
async def open_memory(
    state: "State", *, start_seconds: float = 0.0, cell: Cell | None = None
) -> AsyncIterator["Fleet"]:
    """A server on memory engines, for tests: its own store and secrets are real."""
    from skerry.engines.memory.engine import MemoryEngine
    from skerry.integrations.store.open import open_store

    clock = SystemClock()
    async with AsyncExitStack() as opened:
        store = open_store(f"sqlite:///{state.folder}/skerry.db", clock)
        opened.push_async_callback(store.close)
        await keep_admin_token(store, clock, state)
        secrets = await _open_secrets(store, state)

        def engine(cell: Cell) -> MemoryEngine:
            return MemoryEngine(cell, clock, start_seconds=start_seconds)

        site = CellSite(
            StoreNotebook(store, state.folder),
            machine=MemoryCell(engine(cell or Cell())),
            cluster=lambda cell, applied: MemoryCell(engine(cell), applied=applied),
        )
        await site.open()
        yield await opened.enter_async_context(
            _fleet(site, store, secrets, state=str(state.folder))
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
async def _fleet(
    site: "Site",
    store: "Store",
    secrets: _Secrets,
    *,
    state: str,
    doctor: Doctor | None = None,
) -> AsyncIterator["Fleet"]:
    from skerry.operations.fleet import Fleet
    from skerry.operations.resume import resume
    from skerry.operations.running import Running

    clock = SystemClock()
    running = Running(store, clock)
    fleet = Fleet(
        site=site,
        ledger=store,
        secrets=secrets.own,
        references=secrets.references,
        clock=clock,
        running=running,
        load=make_loader(),
        doctor=doctor,
        state=state,
    )
    try:
        await resume(fleet)
        yield fleet
    finally:
        await running.close()


def make_loader() -> "Callable[[Sources], Repository]":
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
