"""A repository's sources -> the desired state, valid as a whole, or every problem at once."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from skerry.errors import InvalidDocuments, Problem
from skerry.model.cell import Cell
from skerry.model.dependencies import Directory, resolve_depends
from skerry.model.keys import ServiceKey
from skerry.model.objects import digest_of
from skerry.model.repository import DeclaredService, Repository, Settings
from skerry.model.service import Service
from skerry.model.sources import Sources, SourceText, folder_of
from skerry.spec.chunks import Chunk, normalize, split
from skerry.spec.documents import Faulty, Place, Read, check_defaults, read
from skerry.spec.entries import Entry, Kept, Known, Located, Memory, locate
from skerry.spec.files import Attachments
from skerry.spec.guard import may_hold_marks
from skerry.spec.kinds import CELL, SETTINGS_FILE
from skerry.spec.limits import MAX_DOCUMENTS, MAX_FAULTY, MAX_FILE
from skerry.spec.messages import Complaint
from skerry.spec.stacks import Joined, Joining, parts_of
from skerry.spec.tenancy import check_stacks
from skerry.spec.together import Depends, check_together

_REPOSITORIES_KEPT: Final = 4


def load(sources: Sources) -> Repository:
    """The desired state these sources declare. Raises InvalidDocuments with every problem."""
    return Loader().load(sources)


class Loader:
    """Loads repositories, and remembers each one's documents: loading a repository again
    reads only the documents whose text, or whose defaults, changed."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Memory] = OrderedDict()

    def load(self, sources: Sources) -> Repository:
        """As `load`, faster the second time. Raises InvalidDocuments."""
        memory = self._known.pop(sources.name, None) or Memory()
        self._known[sources.name] = memory
        while len(self._known) > _REPOSITORIES_KEPT:
            self._known.popitem(last=False)
        return _Loading(sources, memory).run()


class _Loading:
    """One run over all sources."""

    def __init__(self, sources: Sources, memory: Memory) -> None:
        self._sources = sources
        self._memory = memory
        self._attachments = Attachments(sources)
        self._problems: list[Problem] = []
        self._sketches: list[Located] = []
        self._stack_sketches: list[Entry] = []
        self._faulty = 0
        self._documents = 0

    def run(self) -> Repository:
        texts = self._fitting()
        settings = self._settings(texts)
        entries = list(self._read_all(texts, settings.defaults))
        if not self._documents and not self._problems:
            said = "there is no document in this repository"
            self._problems.append(_whole(self._sources, said, hint="skerry init"))
        services = [located for entry in entries if (located := locate(entry)) is not None]
        cells = self._cells(entries)
        if self._sketches:
            services = sorted([*services, *self._sketches], key=lambda each: each.place)
        depends = self._check(services, settings, cells)
        stacks = self._stacks(entries, services, settings=settings, cells=cells)
        if self._problems:
            raise InvalidDocuments(self._told())
        return Repository(
            name=settings.name or self._sources.name,
            settings=settings,
            services=tuple(self._declare(located, depends) for located in services),
            stacks=tuple(joined.declared for joined in stacks),
            cells=cells,
        )

    def _fitting(self) -> list[SourceText]:
        """The texts, normalized; without those too large to look at."""
        fitting = []
        for text in self._sources.texts:
            if len(text.text) > MAX_FILE:
                said = f"is larger than a file may be ({MAX_FILE >> 20} MB)"
                self._fault([_at(text.path, said, hint="split it into several files")])
            else:
                plain = normalize(text.text)
                same = plain is text.text
                fitting.append(text if same else SourceText(path=text.path, text=plain))
        return fitting

    def _settings(self, texts: list[SourceText]) -> Settings:
        """skerry.yaml's settings, read before all else: the defaults are in it."""
        found: Settings | None = None
        for text in texts:
            for chunk in split(text.text) if text.path == SETTINGS_FILE else ():
                known = self._try(text.path, chunk, defaults={}, marks=True, quiet=True)
                if known is None or not isinstance(known.model, Settings):
                    continue
                if found is not None:
                    self._fault([_at(text.path, "has settings twice", line=chunk.line)])
                    continue
                found = known.model
                place = Place(text.path, chunk.text, chunk.line)
                complaints = check_defaults(found.defaults)
                self._fault([place.problem(SETTINGS_FILE, each) for each in complaints])
        return found or Settings(version=1)

    def _read_all(self, texts: list[SourceText], defaults: Mapping[str, Any]) -> Iterator[Entry]:
        if self._memory.defaults != defaults:
            self._memory.files = {}
        before, now = self._memory.files, dict[str, Kept]()
        for text in texts:
            kept = before.get(text.path)
            if kept is None or kept.text != text.text:
                faulty = self._faulty
                entries = self._read_file(text, kept, defaults=defaults)
                kept = Kept(text.text if self._faulty == faulty else None, entries)
            else:
                self._documents += len(kept.entries)
            now[text.path] = kept
            yield from kept.entries
        self._memory.defaults, self._memory.files = defaults, now

    def _read_file(
        self, text: SourceText, before: Kept | None, *, defaults: Mapping[str, Any]
    ) -> tuple[Entry, ...]:
        known = {each.chunk.text: each.known for each in before.entries} if before else {}
        marks = may_hold_marks(text.text)
        entries = []
        for chunk in self._chunks(text):
            if chunk.text not in known:
                made = self._try(text.path, chunk, defaults=defaults, marks=marks)
                if made is None:
                    continue
                known[chunk.text] = Known(made)
            entries.append(Entry(text.path, chunk, known[chunk.text]))
        return tuple(entries)

    def _chunks(self, text: SourceText) -> Iterator[Chunk]:
        for chunk in split(text.text):
            self._documents += 1
            if self._documents > MAX_DOCUMENTS:
                said = f"there are more than {MAX_DOCUMENTS} documents"
                self._fault([_at(text.path, said, line=chunk.line)])
                return
            yield chunk

    def _try(
        self,
        file: str,
        chunk: Chunk,
        *,
        defaults: Mapping[str, Any],
        marks: bool,
        quiet: bool = False,
    ) -> Read | None:
        try:
            return read(file, chunk, defaults=defaults, marks=marks)
        except Faulty as error:
            if not quiet:
                self._fault(error.problems)
                self._sketch(file, chunk, error.sketch)
            return None

    def _sketch(self, file: str, chunk: Chunk, sketch: Read | None) -> None:
        """Note a faulty service or stack, for the problems it has with others."""
        if sketch is not None and self._faulty <= MAX_FAULTY:
            entry = Entry(file, chunk, Known(sketch))
            if isinstance(sketch.model, Service):
                self._sketches.append(Located(sketch.model.key, sketch.model, entry))
            else:
                self._stack_sketches.append(entry)

    def _cells(self, entries: list[Entry]) -> tuple[Cell, ...]:
        first: dict[str, tuple[Entry, Cell]] = {}
        for entry in entries:
            cell = entry.known.read.model
            if not isinstance(cell, Cell):
                continue
            before, _ = first.setdefault(cell.cell, (entry, cell))
            if before is not entry:
                said = f"{cell.cell} is already declared at {before.file}:{before.chunk.line}"
                said_so = Complaint((CELL,), said, "rename or remove one of them")
                self._fault([entry.place.problem(cell.cell, said_so)])
        return tuple(cell for _, cell in first.values())

    def _check(
        self, services: list[Located], settings: Settings, cells: tuple[Cell, ...]
    ) -> Depends:
        for located in services:
            if located.service.files or located.service.build is not None:
                folder = folder_of(located.entry.file)
                complaints = self._attachments.complaints(located.service, folder)
                self._fault(located.problems(complaints))
        depends = resolve_depends({each.key: each.service for each in services})
        for problem in check_together(services, settings=settings, cells=cells, depends=depends):
            self._fault([problem])
            if self._faulty > MAX_FAULTY:
                break
        return depends

    def _stacks(
        self,
        entries: list[Entry],
        services: list[Located],
        *,
        settings: Settings,
        cells: tuple[Cell, ...],
    ) -> list[Joined]:
        parts = parts_of([*entries, *self._stack_sketches])
        if not parts:
            return []
        directory = Directory(each.key for each in services)
        joining = Joining(settings=settings, directory=directory, attachments=self._attachments)
        stacks = [made for each in parts.values() if (made := joining.join(each)) is not None]
        self._fault(joining.problems)
        for problem in check_stacks(stacks, services=services, settings=settings, cells=cells):
            self._fault([problem])
        return stacks

    def _declare(self, located: Located, depends: Depends) -> DeclaredService:
        service, known = located.service, located.entry.known
        targets = depends.get(located.key, ())
        before = known.declared
        if before is not None and before.line == located.entry.chunk.line:
            alone = not service.files and service.build is None
            if alone and known.depends == targets:
                return before
        known.declared, known.depends = self._declared(located, targets), targets
        return known.declared

    def _declared(self, located: Located, targets: tuple[ServiceKey, ...]) -> DeclaredService:
        service, entry = located.service, located.entry
        folder = folder_of(entry.file)
        digest, changes = entry.known.read.digest, dict[str, Any]()
        image = self._attachments.image(service, folder)
        if image is not None:
            changes |= {"image": image, "build": None}
        if targets:
            changes["depends"] = tuple(f"{key.namespace}/{key.name}" for key in targets)
        if service.files or image is not None:
            digest = digest_of([digest, self._attachments.digests(service, folder), image])
        return DeclaredService(
            service=service.model_copy(update=changes) if changes else service,
            file=entry.file,
            folder=folder,
            digest=digest,
            line=entry.chunk.line,
        )

    def _fault(self, problems: list[Problem] | tuple[Problem, ...]) -> None:
        self._faulty += bool(problems)
        if self._faulty <= MAX_FAULTY:
            self._problems.extend(problems)

    def _told(self) -> list[Problem]:
        unique = dict.fromkeys(self._problems)
        told = sorted(unique, key=lambda problem: (problem.file, problem.line))
        if self._faulty > MAX_FAULTY:
            said = f"there are more documents with problems than the {MAX_FAULTY} told here"
            told.append(_whole(self._sources, said))
        return told


def _at(file: str, message: str, *, line: int = 1, hint: str = "") -> Problem:
    return Problem(file=file, line=line, path="document", message=message, hint=hint)


def _whole(sources: Sources, message: str, *, hint: str = "") -> Problem:
    name = sources.name or "repository"
    return Problem(file=name, line=1, path="documents", message=message, hint=hint)
