"""Everything an operation may use: the ports, and what is kept warm between requests."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from skerry.model.cell import Cell
from skerry.model.repository import Repository, Sources
from skerry.operations.running import Running
from skerry.ports import Clock, Doctor, Engine, Gateway, ImageBuilder, Ledger, Secrets, SecretStore


class CellKeeper(Protocol):
    """Remembers what the server's own cell is, and can make it another while nothing runs."""

    def settle(self, cell: Cell) -> Cell:
        """The document, with the operator's settings where it says nothing."""

    async def become(self, cell: Cell) -> Engine:
        """Be this cell from now on, also after a restart; returns its engine. Only while
        nothing runs. Raises Unavailable, and then is the cell it was."""


@dataclass(slots=True, kw_only=True)
class Platform:
    """One server's parts. `engine` changes when the cell does, and at no other time.

    `planning` is held from looking at the cell until the services to change are taken, so
    that two plans never start from the same look.
    """

    engine: Engine
    ledger: Ledger
    secrets: SecretStore
    references: Secrets
    clock: Clock
    running: Running
    cells: CellKeeper
    load: Callable[[Sources], Repository]
    gateway: Gateway | None = None
    builder: ImageBuilder | None = None
    doctor: Doctor | None = None
    state: str = ""
    planning: asyncio.Lock = field(default_factory=asyncio.Lock)
