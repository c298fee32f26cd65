"""The cells of a server, or of a command without one: which there are, which are meant.

Each cell is a platform of its own, opened when it is first asked; they share the ledger, the
secrets and the operations under way. What is done in several of them is in `cells.py`.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from skerry.errors import Forbidden, NotFound, Refused
from skerry.model.access import Identity, Role
from skerry.model.cell import Cell, EngineKind
from skerry.model.repository import Repository
from skerry.model.sources import Sources
from skerry.operations.platform import OwnCell, Platform
from skerry.operations.running import Running
from skerry.ports import Clock, Doctor, Ledger, Secrets, SecretStore


class Site(Protocol):
    """The cells there are, and what runs each."""

    def known(self) -> tuple[Cell, ...]:
        """Those something is remembered of, by name; the machine's own where it is meant
        without a document, or nothing else is known."""

    def at(self, cell: Cell) -> OwnCell:
        """What runs this cell, as this document says it; nothing is asked of it yet. The same
        for equal documents. Raises Refused for a cell that cannot be run from here."""

    async def forget(self, cell: str) -> None:
        """Know it no more; nothing in it changes. Raises Refused for the machine itself."""


@dataclass(slots=True, kw_only=True)
class Fleet:
    """All cells, and what they share. `load` makes models of documents, once for all cells."""

    site: Site
    ledger: Ledger
    secrets: SecretStore
    references: Secrets
    clock: Clock
    running: Running
    load: Callable[[Sources], Repository]
    doctor: Doctor | None = None
    state: str = ""
    lasting: bool = True  # whether what needs a later act is carried out: a server is there
    _platforms: dict[str, Platform] = field(default_factory=dict)
    _planning: dict[str, asyncio.Lock] = field(default_factory=dict)

    def platforms(self, names: Sequence[str] = ()) -> tuple[Platform, ...]:
        """The cells of these names, all without names; the machine itself when none is known.
        Raises NotFound that names the known cells."""
        if names:
            return tuple(self.platform(name) for name in dict.fromkeys(names))
        return tuple(self._of(cell) for cell in self.site.known())

    def platform(self, cell: str) -> Platform:
        """One cell. Raises NotFound that names the known cells."""
        found = next((each for each in self.site.known() if each.cell == cell), None)
        if found is None:
            raise _unknown(cell, [each.cell for each in self.site.known()])
        return self._of(found)

    def meant(
        self, repository: Repository, names: Sequence[str] = (), *, by: Identity
    ) -> tuple[Platform, ...]:
        """The cells this repository is applied to: those it declares; without any, all that are
        known, or the machine itself. `names` narrows. Raises NotFound, Refused, and Forbidden
        where only an admin may say what a cell is."""
        if not repository.cells:
            return self.platforms(names)
        self._require_known(repository, by)
        declared = {each.cell: each for each in repository.cells}
        for name in names:
            if name not in declared:
                raise _unknown(name, list(declared), whose=f"repository/{repository.name}")
        wanted = [each for each in declared.values() if not names or each.cell in names]
        here = [each for each in wanted if each.engine is EngineKind.LOCAL]
        there = tuple(self._of(each) for each in wanted if each.engine is not EngineKind.LOCAL)
        return (self.machine(), *there) if here else there

    def machine(self) -> Platform:
        """The machine this runs on, as a cell. Raises Refused where that is switched off."""
        own = self.site.at(Cell())
        return self._platform(own)

    def only(self, names: Sequence[str] = ()) -> Platform:
        """The one cell there is, or that is named. Raises Refused, listing them, when several
        could be meant; NotFound."""
        found = self.platforms(names)
        if len(found) != 1:
            raise Refused(
                f"there are {len(found)} cells: {', '.join(each.name for each in found)}"
                if found
                else "none is known yet",
                subject="cell",
                hint=f"name one: --cell {found[0].name}" if found else "skerry apply",
            )
        return found[0]

    async def forget(self, cell: str) -> None:
        """Know a cell no more. Nothing in it changes, and a document that declares it brings
        it back. Raises NotFound, Refused."""
        await self.site.forget(self.platform(cell).name)
        self._platforms.pop(cell, None)

    def _require_known(self, repository: Repository, by: Identity) -> None:
        """A cluster's document decides whose credentials are used where, and its kubeconfig may
        name a program to run: who is no admin can only repeat it."""
        if by.role is Role.ADMIN and not by.namespaces:
            return
        known = self.site.known()
        for cell in repository.cells:
            if cell.engine is not EngineKind.LOCAL and cell not in known:
                there = any(each.cell == cell.cell for each in known)
                raise Forbidden(
                    "its document is another than the one in force"
                    if there
                    else "is not known yet, and only an admin adds a cell",
                    subject=f"cell/{cell.cell}",
                    hint="skerry apply, with an admin's token for all namespaces",
                )

    def _of(self, cell: Cell) -> Platform:
        return self._platform(self.site.at(cell))

    def _platform(self, cells: OwnCell) -> Platform:
        """Kept as long as what runs it is the same; plans of a cell wait for each other also
        when its document changed."""
        known = next((each for each in self._platforms.values() if each.cells is cells), None)
        if known is None:
            name = cells.cell.cell
            known = self._platforms[name] = Platform(
                cells=cells,
                ledger=self.ledger,
                secrets=self.secrets,
                references=cells.references or self.references,
                clock=self.clock,
                running=self.running,
                load=self.load,
                doctor=self.doctor,
                state=self.state,
                lasting=self.lasting,
                planning=self._planning.setdefault(name, asyncio.Lock()),
            )
        return known


def _unknown(cell: str, known: Sequence[str], *, whose: str = "") -> NotFound:
    return NotFound(
        f"is not known; known are: {', '.join(known) or 'none'}"
        if not whose
        else f"is not declared in {whose}; declared are: {', '.join(known)}",
        subject=f"cell/{cell}",
        hint="skerry cells",
    )
