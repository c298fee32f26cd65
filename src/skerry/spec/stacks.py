"""Documents of one stack -> the stack: one has the template, any may have tenants."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from skerry.errors import Problem
from skerry.model.dependencies import Directory
from skerry.model.objects import digest_of
from skerry.model.repository import DeclaredStack, Roster, Settings
from skerry.model.sources import folder_of
from skerry.model.stack import ALONGSIDE, Stack
from skerry.spec.documents import Place
from skerry.spec.entries import Entry
from skerry.spec.files import Attachments
from skerry.spec.limits import MAX_PROBLEMS
from skerry.spec.messages import Complaint
from skerry.spec.template import Template, judge
from skerry.spec.tenants import NOBODY, TenantPlaces, Tenants


class Part(NamedTuple):
    """A document of a stack, at its place."""

    entry: Entry
    stack: Stack

    @property
    def tenants(self) -> Tenants:
        """Those it declares."""
        return self.entry.known.read.tenants or NOBODY

    @property
    def where(self) -> str:
        """`eu.yaml:1`, where it starts."""
        return f"{self.entry.file}:{self.entry.chunk.line}"

    def problem(self, complaint: Complaint) -> Problem:
        """The complaint, at its line."""
        file, chunk = self.entry.file, self.entry.chunk
        return Place(file, chunk.text, chunk.line, stack=True).problem(self.stack.stack, complaint)


class Joined(NamedTuple):
    """A stack as a whole, and the document its template is in."""

    declared: DeclaredStack
    head: Part
    parts: tuple[Part, ...]


def parts_of(entries: Sequence[Entry]) -> dict[str, list[Part]]:
    """The documents of each stack, in the order read."""
    found: dict[str, list[Part]] = {}
    for entry in entries:
        model = entry.known.read.model
        if isinstance(model, Stack):
            found.setdefault(model.stack, []).append(Part(entry, model))
    return found


class Joining:
    """Stacks made of their documents; what is wrong with them is in `problems`."""

    def __init__(
        self, *, settings: Settings, directory: Directory, attachments: Attachments
    ) -> None:
        self._settings: Final = settings
        self._directory: Final = directory
        self._attachments: Final = attachments
        self.problems: list[Problem] = []

    def join(self, parts: Sequence[Part]) -> Joined | None:
        """One stack, or None when no document has its template."""
        head = self._head(parts)
        self._check_alongside(parts, head)
        self._check_twice(parts)
        if head is None:
            return None
        folder = folder_of(head.entry.file)
        template, complaints = judge(
            head.stack,
            [(part.stack, part.tenants) for part in parts],
            folder=folder,
            settings=self._settings,
            directory=self._directory,
            attachments=self._attachments,
        )
        self._tell(head, [each for at, each in complaints if at is head.stack])
        for part in parts:
            self._tell(
                part, [each for at, each in complaints if at is part.stack is not head.stack]
            )
        return Joined(_declare(head, parts, template, folder=folder), head, tuple(parts))

    def _head(self, parts: Sequence[Part]) -> Part | None:
        heads = [part for part in parts if part.stack.template is not None]
        for other in heads[1:]:
            said = f"stack {other.stack.stack} has its template at {heads[0].where} already"
            hint = "keep one of them; other documents of a stack only add tenants"
            self._tell(other, [Complaint(("template",), said, hint)])
        if not heads:
            said = f"no document of stack {parts[0].stack.stack} has its template"
            hint = "write `template: {image: ...}` in exactly one of them"
            self._tell(parts[0], [Complaint(("stack",), said, hint)])
        return heads[0] if heads else None

    def _check_alongside(self, parts: Sequence[Part], head: Part | None) -> None:
        for part in parts:
            odd = sorted(part.stack.model_fields_set - ALONGSIDE)
            if head is not None and part.stack.template is None:
                said = f"belongs beside the template, at {head.where}"
                self._tell(part, [Complaint((key,), said, "move it there") for key in odd])

    def _check_twice(self, parts: Sequence[Part]) -> None:
        if sum(len(each.tenants.written) for each in parts) == len(
            {tenant for each in parts for tenant in each.tenants.written}
        ):
            return
        first: dict[str, Part] = {}
        for part in parts:
            twice = [each for each in part.tenants.written if first.setdefault(each, part) != part]
            self._tell(part, [_twice(each, first[each]) for each in twice])

    def _tell(self, part: Part, complaints: Sequence[Complaint]) -> None:
        self.problems += [part.problem(each) for each in complaints[:MAX_PROBLEMS]]


def _twice(tenant: str, first: Part) -> Complaint:
    line = places_of(first).line(tenant)
    said = f"tenant {tenant} is already declared at {first.entry.file}:{line}"
    return Complaint(("tenants", tenant), said, "rename or remove one of them")


def places_of(part: Part) -> TenantPlaces:
    """Where the tenants of a document are written."""
    file, chunk = part.entry.file, part.entry.chunk
    return TenantPlaces(part.stack.stack, file, chunk.text, first_line=chunk.line)


def _declare(
    head: Part, parts: Sequence[Part], template: Template, *, folder: str
) -> DeclaredStack:
    stack = head.stack
    common: list[Any] = [template.written, template.attached, stack.residency, stack.allow]
    return DeclaredStack(
        name=stack.stack,
        file=head.entry.file,
        folder=folder,
        line=head.entry.chunk.line,
        template=template.written,
        digest=digest_of(common),
        rosters=tuple(_roster(part) for part in parts),
        values=stack.values,
        cells=stack.cells,
        residency=stack.residency,
        allow=stack.allow,
        grace_seconds=stack.grace,
    )


def _roster(part: Part) -> Roster:
    own: Mapping[str, str] = part.stack.values if part.stack.template is None else {}
    return Roster(
        file=part.entry.file,
        line=part.entry.chunk.line,
        tenants=part.tenants.written,
        digests=part.tenants.digests,
        where=places_of(part),
        values=own,
        cells=part.stack.cells if part.stack.template is None else (),
    )
