"""A fleet without a server: the same operations, in the process of a command.

Kubernetes cells only. What must last is in the cells: releases, leases, what was applied.
Nothing here is imported before a command needs it.
"""

import secrets as random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from skerry.clock import SystemClock
from skerry.integrations.ledger.passing import PassingLedger
from skerry.integrations.secrets.environment import EnvironmentSecrets
from skerry.integrations.secrets.providers import Providers
from skerry.model.cell import Cell
from skerry.operations.fleet import Fleet
from skerry.operations.running import Running
from skerry.ports import Engine
from skerry.wiring.cluster import ClusterCell
from skerry.wiring.loading import make_loader
from skerry.wiring.notebooks import FileNotebook
from skerry.wiring.site import CellSite

if TYPE_CHECKING:
    from skerry.integrations.secrets.store import EncryptedSecrets
    from skerry.integrations.store.store import Store
    from skerry.model.secret import SecretValue

KEY: Final = "fingerprint-key"


@asynccontextmanager
async def open_direct(folder: Path, environ: Mapping[str, str]) -> AsyncIterator[Fleet]:
    """For one command; `folder` is the state folder, where cells are remembered. At the end
    operations under way stop where they are, and leases are given up."""
    clock, ledger = SystemClock(), PassingLedger()
    async with AsyncExitStack() as opened:
        own = LateSecrets(folder, environ)
        opened.push_async_callback(own.close)

        def cluster(cell: Cell, applied: Callable[[Cell], Awaitable[None]]) -> ClusterCell:
            values = EnvironmentSecrets(environ, lambda: fingerprint_key(made.engine))
            references = Providers({"store": own, "env": values})
            made = ClusterCell(cell, clock=clock, secrets=references, applied=applied)
            return made

        site = CellSite(FileNotebook(folder), machine=None, cluster=cluster)
        await site.open()
        opened.push_async_callback(site.close)
        running = Running(ledger, clock)
        opened.push_async_callback(running.close)
        yield Fleet(
            site=site,
            ledger=ledger,
            secrets=own,
            references=Providers({"store": own}),
            clock=clock,
            running=running,
            load=make_loader(),
            state=str(folder),
            lasting=False,
        )


async def fingerprint_key(engine: Engine) -> bytes:
    """The cell's own key for fingerprints of what no server keeps; made at the first use."""
    kept = await engine.recall(KEY)
    if kept is None:
        kept = {"key": random.token_hex(32)}
        await engine.remember(KEY, kept)
    return bytes.fromhex(str(kept["key"]))


class LateSecrets:
    """The secrets of this machine's store, opened when one is used."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ
        self._store: Store | None = None
        self._secrets: EncryptedSecrets | None = None

    async def resolve(self, reference: str) -> "SecretValue":
        """As the store says."""
        return await (await self._opened()).resolve(reference)

    async def fingerprint(self, reference: str) -> str:
        """As the store says."""
        return await (await self._opened()).fingerprint(reference)

    async def put(self, name: str, value: "SecretValue") -> None:
        """Create or replace."""
        await (await self._opened()).put(name, value)

    async def drop(self, name: str) -> None:
        """Forget. Raises NotFound."""
        await (await self._opened()).drop(name)

    async def names(self) -> tuple[str, ...]:
        """What is there."""
        return await (await self._opened()).names()

    async def close(self) -> None:
        """Let go."""
        if self._store is not None:
            await self._store.close()

    async def _opened(self) -> "EncryptedSecrets":
        if self._secrets is None:
            from skerry.integrations.secrets.store import EncryptedSecrets
            from skerry.integrations.store.open import open_store
            from skerry.settings import Settings, open_state

            settings = Settings.from_environment(
                {**self._environ, "SKERRY_STATE": str(self._folder)}
            )
            state = open_state(settings)
            self._store = open_store(settings.database_url, SystemClock())
            self._secrets = EncryptedSecrets(self._store, state.key_file)
            await self._secrets.open()
        return self._secrets
