"""Documents of a repository once read: what they are, where they stand, what is remembered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from skerry.errors import Problem
from skerry.model.keys import ServiceKey
from skerry.model.repository import DeclaredService
from skerry.model.service import Service
from skerry.spec.chunks import Chunk
from skerry.spec.documents import Place, Read
from skerry.spec.limits import MAX_PROBLEMS
from skerry.spec.messages import Complaint


@dataclass(slots=True)
class Known:
    """A document read before, and what was last declared from it."""

    read: Read
    key: ServiceKey | None = None
    declared: DeclaredService | None = None
    depends: tuple[ServiceKey, ...] = ()


class Entry(NamedTuple):
    """A valid document at its place."""

    file: str
    chunk: Chunk
    known: Known

    @property
    def place(self) -> Place:
        """Where to look for its lines."""
        return Place(self.file, self.chunk.text, self.chunk.line)


class Kept(NamedTuple):
    """A file read before. Its text is None when it has a fault, which must be told again."""

    text: str | None
    entries: tuple[Entry, ...]


@dataclass(slots=True)
class Memory:
    """What is remembered of one repository, by file. Other defaults make it worthless."""

    defaults: Mapping[str, Any] = field(default_factory=dict)
    files: dict[str, Kept] = field(default_factory=dict)


class Located(NamedTuple):
    """A service at its place."""

    key: ServiceKey
    service: Service
    entry: Entry

    def problems(self, complaints: Iterable[Complaint]) -> list[Problem]:
        """The complaints, at their lines; the first of them, where there are very many."""
        place = self.entry.place
        few = islice(complaints, MAX_PROBLEMS)
        return [place.problem(self.service.service, complaint) for complaint in few]

    @property
    def place(self) -> tuple[str, int]:
        """File and line, to sort by."""
        return self.entry.file, self.entry.chunk.line

    @property
    def where(self) -> str:
        """`shop.yaml:12`, where its document starts."""
        return f"{self.entry.file}:{self.entry.chunk.line}"


def locate(entry: Entry) -> Located | None:
    """The entry as a service, or None when it is something else."""
    model, known = entry.known.read.model, entry.known
    if not isinstance(model, Service):
        return None
    if known.key is None:
        known.key = model.key
    return Located(known.key, model, entry)
