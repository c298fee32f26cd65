"""Everything an operation may use: the ports, and what is kept warm between requests."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from skerry.model.cell import Cell
from skerry.model.repository import Repository
from skerry.model.sources import Sources
from skerry.operations.running import Running
from skerry.ports import Clock, Doctor, Engine, Gateway, ImageBuilder, Ledger, Secrets, SecretStore


class OwnCell(Protocol):
    """A cell and what runs it. The machine's own can become another while nothing runs."""

    @property
    def cell(self) -> Cell:
        """The cell as it is known, also before it is opened."""

    @property
    def engine(self) -> Engine:
        """What runs the cell now. Raises EngineUnavailable where it cannot be reached at all."""

    @property
    def gateway(self) -> Gateway | None:
        """The proxy before it, if any."""

    @property
    def builder(self) -> ImageBuilder | None:
        """Where images are built, if anywhere."""

    @property
    def references(self) -> Secrets | None:
        """Where this cell's references lead; None: where those of all do."""

    @property
    def engine_name(self) -> str:
        """The engine in a person's words: `Podman 4.3.1`."""

    async def open(self) -> None:
        """Make ready to be asked, once. Raises EngineUnavailable."""

    def settle(self, cell: Cell) -> Cell:
        """The document, with the operator's settings where it says nothing."""

    async def ready(self) -> None:
        """About to be changed: remembered from now on. Raises what keeps services from being
        reached, such as a port that is taken."""

    async def become(self, cell: Cell) -> None:
        """Be this cell from now on, also after a restart. Only while nothing runs. Raises
        Unavailable, and then is the cell it was."""

    async def destroy(self) -> None:
        """Remove from the machine what the cell made: containers, networks, the gateway.
        Volumes and records stay. Raises Unavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One cell's parts; all but its own are shared by the cells of a `Fleet`.

    `load` makes models of documents and remembers those it has seen. `planning` is held from
    looking at the cell until the services to change are taken, so that two plans never start
    from the same look. `lasting` is whether a server is there, and not only a command.
    """

    cells: OwnCell
    ledger: Ledger
    secrets: SecretStore
    references: Secrets
    clock: Clock
    running: Running
    load: Callable[[Sources], Repository]
    doctor: Doctor | None = None
    state: str = ""
    lasting: bool = True
    planning: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def name(self) -> str:
        """The cell's name, also of one that does not answer."""
        return self.cells.cell.cell

    @property
    def engine(self) -> Engine:
        """What runs the cell now. Raises EngineUnavailable."""
        return self.cells.engine
