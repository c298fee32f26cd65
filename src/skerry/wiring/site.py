"""The cells there are, each opened from its document when it is first asked."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from skerry.errors import Refused, SkerryError
from skerry.model.cell import Cell, EngineKind
from skerry.operations.platform import OwnCell

log = logging.getLogger(__name__)
Facts = Mapping[str, Any]


class Notebook(Protocol):
    """Where cells are remembered."""

    async def read(self) -> Mapping[str, Facts]:
        """Each cell's document, by name."""

    async def write(self, cell: str, document: Facts | None) -> None:
        """Remember one, or forget it (None)."""


class Machine(OwnCell, Protocol):
    """The machine itself as a cell."""

    used: bool
    """Whether something was applied to it since the start."""


class ClusterLike(OwnCell, Protocol):
    """A cell that is closed at the end."""

    async def close(self) -> None:
        """Let go; what runs goes on."""


class CellSite:
    """The port `Site`. `machine` is the machine itself as a cell, None where it is none;
    `cluster` makes what runs a cluster, and is handed what to call when it is applied to.
    """

    def __init__(
        self,
        notebook: Notebook,
        *,
        machine: Machine | None,
        cluster: Callable[[Cell, Callable[[Cell], Awaitable[None]]], ClusterLike],
    ) -> None:
        self._notebook = notebook
        self._machine = machine
        self._cluster = cluster
        self._documents: dict[str, Cell] = {}
        self._open: dict[str, list[ClusterLike]] = {}
        self.machine_meant = False  # without a document that says so

    async def open(self) -> None:
        """Read what is remembered. A document of another version that is not understood is
        left out, and said."""
        for name, facts in (await self._notebook.read()).items():
            try:
                self._documents[name] = Cell.model_validate(facts)
            except ValueError as error:
                log.error("cell %s is forgotten until it is applied again: %s", name, error)

    async def close(self) -> None:
        """Let go of every cell that was opened."""
        for cells in self._open.values():
            for each in cells:
                await _close(each)

    @property
    def clusters(self) -> bool:
        """Whether any cell beside the machine is known."""
        return bool(self._documents)

    def known(self) -> tuple[Cell, ...]:
        """Those remembered, by name; the machine first, where it is meant or nothing else is
        known."""
        here = self._machine if self._is_machine_meant() else None
        own = (here.cell,) if here is not None else ()
        return (*own, *(self._documents[name] for name in sorted(self._documents)))

    def at(self, cell: Cell) -> OwnCell:
        """What runs it. A document that changed is another cluster's until it is applied."""
        if cell.engine is EngineKind.LOCAL:
            if self._machine is None:
                raise Refused(
                    "would be the machine this runs on, which is switched off here",
                    subject=f"cell/{cell.cell}",
                    hint="use engine: kubernetes, or set SKERRY_LOCAL=on and start the server",
                )
            return self._machine
        opened = self._open.setdefault(cell.cell, [])
        found = next((each for each in opened if each.cell == cell), None)
        if found is None:
            found = self._cluster(cell, self._remember)
            opened.append(found)
        return found

    async def forget(self, cell: str) -> None:
        """A cluster; the machine cannot be forgotten."""
        if cell not in self._documents:
            raise Refused(
                "is the machine itself", subject=f"cell/{cell}", hint="set SKERRY_LOCAL=off"
            )
        await self._notebook.write(cell, None)
        del self._documents[cell]
        for each in self._open.pop(cell, ()):
            await _close(each)

    def _is_machine_meant(self) -> bool:
        used = self._machine is not None and self._machine.used
        return self.machine_meant or used or not self._documents

    async def _remember(self, cell: Cell) -> None:
        if self._documents.get(cell.cell) == cell:
            return
        await self._notebook.write(cell.cell, cell.model_dump(mode="json", exclude_unset=True))
        self._documents[cell.cell] = cell  # operations may go on in it as it was: it stays open


async def _close(cell: ClusterLike) -> None:
    """Carry on: nothing else should stay open because of it."""
    try:
        await cell.close()
    except SkerryError as error:
        log.warning("cell %s: %s", cell.cell.cell, error)
