"""A server's parts, opened in order and let go of in reverse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from skerry.clock import SystemClock
from skerry.model.access import Role
from skerry.model.cell import Cell
from skerry.ports import Clock, Doctor, Ledger, Secrets
from skerry.settings import Local
from skerry.wiring.cell import LocalCell, MemoryCell
from skerry.wiring.cluster import ClusterCell
from skerry.wiring.following import make_standing
from skerry.wiring.loading import make_loader
from skerry.wiring.local import open_machine
from skerry.wiring.notebooks import StoreNotebook
from skerry.wiring.servers import check_key, fence, open_leadership, shares_database
from skerry.wiring.site import CellSite

if TYPE_CHECKING:
    from skerry.controllers.standing import Standing
    from skerry.integrations.store.folder import State
    from skerry.integrations.store.store import Store
    from skerry.operations.fleet import Fleet, Site
    from skerry.settings import Settings

LOCAL_ADMIN: Final = "local-admin"


class Opened(NamedTuple):
    """A server's parts for its front door."""

    fleet: "Fleet"
    standing: "Standing"


@asynccontextmanager
async def open_server(
    settings: "Settings", state: "State", *, listening: str = ""
) -> AsyncIterator[Opened]:
    """All of a server; where it leads, what an earlier one left is taken up again. At the end
    everything is let go of in reverse; services and the gateway go on. `listening` is where
    its API is.

    Raises SkerryError for what it cannot do without: the store, the key, and with
    `SKERRY_LOCAL=on` a container engine.
    """
    from skerry.controllers.leading import Leading
    from skerry.integrations.store.open import open_store
    from skerry.operations.guarding import guarded
    from skerry.operations.resume import resume

    clock = SystemClock()
    async with AsyncExitStack() as opened:
        store = await asyncio.to_thread(
            open_store, settings.database_url, clock, history=settings.history
        )
        opened.push_async_callback(store.close)
        secrets = await _open_secrets(store, state)
        await _share(settings, state, store=store, secrets=secrets, clock=clock)
        leadership = await open_leadership(settings, clock, listening=listening)
        opened.push_async_callback(leadership.close)
        machine = None
        if settings.local is not Local.OFF:
            machine = LocalCell(
                settings, state, store=store, secrets=secrets.references, clock=clock
            )
        site = CellSite(
            StoreNotebook(store, state.folder),
            machine=machine,
            cluster=lambda cell, applied: ClusterCell(
                cell,
                clock=clock,
                secrets=secrets.references,
                applied=applied,
                guard=lambda engine: guarded(engine, leadership),
            ),
        )
        await site.open()
        opened.push_async_callback(site.close)
        fence(store, leadership)
        doctor = machine.doctor if machine is not None else None
        fleet = make_fleet(site, store, secrets, state=str(state.folder), doctor=doctor)
        opened.push_async_callback(fleet.running.close)
        standing = make_standing(
            settings, state, fleet, leadership=leadership, secrets=secrets.references
        )

        @asynccontextmanager
        async def lead() -> AsyncIterator[None]:
            async with AsyncExitStack() as led:
                await secrets.own.forget()
                await site.open()
                if machine is not None:
                    led.push_async_callback(machine.close)
                    await open_machine(machine, site, settings=settings, store=store)
                led.push_async_callback(fleet.running.close)
                await resume(fleet)
                if standing.continuous is not None:
                    standing.continuous.start()
                    led.push_async_callback(standing.continuous.stop)
                yield

        leading = Leading(leadership, clock, lead=lead)
        opened.push_async_callback(leading.close)
        await leading.open()
        yield Opened(fleet, standing)


async def _share(
    settings: "Settings", state: "State", *, store: "Store", secrets: "_Secrets", clock: Clock
) -> None:
    """The command line's token; where other servers may be, the same one on all of them, as
    they all have one key."""
    if not shares_database(settings):
        return await keep_admin_token(store, clock, state)
    await check_key(store, secrets.own)
    seed = await secrets.own.derive(LOCAL_ADMIN)
    return await share_admin_token(store, clock, state, seed=seed)


@asynccontextmanager
async def open_memory(
    state: "State", *, start_seconds: float = 0.0, cell: Cell | None = None
) -> AsyncIterator["Fleet"]:
    """A server on memory engines, for tests: its own store and secrets are real."""
    from skerry.engines.memory.engine import MemoryEngine
    from skerry.integrations.store.open import open_store
    from skerry.operations.resume import resume

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
        fleet = make_fleet(site, store, secrets, state=str(state.folder))
        opened.push_async_callback(fleet.running.close)
        await resume(fleet)
        yield fleet


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
    await _drop_admin(ledger)
    secret, _ = await issue(ledger, clock, name=LOCAL_ADMIN, role=Role.ADMIN)
    replace_whole(state.token_file, secret.encode() + b"\n")


async def share_admin_token(ledger: Ledger, clock: Clock, state: "State", *, seed: bytes) -> None:
    """As `keep_admin_token`, the same one on every server that has this seed."""
    from skerry.integrations.store.once import replace_whole
    from skerry.operations.tokens import adopt, digest_of, secret_of

    secret = secret_of(seed)
    if await ledger.token(digest_of(secret)) is None:
        await _drop_admin(ledger)
        await adopt(ledger, clock, secret=secret, name=LOCAL_ADMIN, role=Role.ADMIN)
    replace_whole(state.token_file, secret.encode() + b"\n")


async def _drop_admin(ledger: Ledger) -> None:
    for token in await ledger.tokens():
        if token.identity.name == LOCAL_ADMIN:
            await ledger.drop_token(token.id)


class _Secrets:
    """The store's own secrets, and every provider of references."""

    def __init__(self, own: Any, references: Secrets) -> None:
        self.own = own
        self.references = references


def make_fleet(
    site: "Site",
    store: "Store",
    secrets: _Secrets,
    *,
    state: str,
    doctor: Doctor | None = None,
) -> "Fleet":
    """The cells, and what they share."""
    from skerry.operations.fleet import Fleet
    from skerry.operations.running import Running

    clock = SystemClock()
    return Fleet(
        site=site,
        ledger=store,
        secrets=secrets.own,
        references=secrets.references,
        clock=clock,
        running=Running(store, clock),
        load=make_loader(),
        doctor=doctor,
        state=state,
    )


async def _open_secrets(store: "Store", state: "State") -> _Secrets:
    from skerry.integrations.secrets.environment import NoEnvironment
    from skerry.integrations.secrets.providers import Providers
    from skerry.integrations.secrets.store import EncryptedSecrets

    own = EncryptedSecrets(store, state.key_file)
    await own.open()
    return _Secrets(own, Providers({"store": own, "env": NoEnvironment()}))
