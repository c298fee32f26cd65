"""One document: its text to a validated model, or its problems with their lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from skerry.errors import Problem
from skerry.model.cell import Cell
from skerry.model.objects import digest_of
from skerry.model.repository import Settings
from skerry.model.service import Service
from skerry.spec.chunks import Chunk
from skerry.spec.defaults import merge
from skerry.spec.kinds import SERVICE, SETTINGS, SETTINGS_FILE, kind_of, name_of
from skerry.spec.limits import MAX_DOCUMENT
from skerry.spec.messages import Complaint, holds, translate
from skerry.spec.parse import Unreadable, parse
from skerry.spec.positions import Path, Positions
from skerry.spec.words import show_path

MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "service": Service,
    "cell": Cell,
    SETTINGS: Settings,
}
DEFAULTS: Final = "defaults"
_PROBE: Final = {"service": "probe", "image": "probe"}
_SKETCHED: Final = ("service", "team", "tags", "depends", "cells", "secrets")


@dataclass(frozen=True, slots=True)
class Read:
    """A document understood. `digest` covers what was written, with the defaults."""

    kind: str
    model: Service | Cell | Settings
    digest: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document stands. Finds the lines of its parts, slowly, when asked."""

    file: str
    text: str
    line: int
    _found: list[Positions] = field(default_factory=list, compare=False)

    def problem(self, name: str, complaint: Complaint) -> Problem:
        """The complaint, at its line."""
        if not self._found:
            self._found.append(Positions(self.text, first_line=self.line))
        return Problem(
            file=self.file,
            line=self._found[0].line(complaint.path),
            path=show_path(name, complaint.path),
            message=complaint.message,
            hint=complaint.hint,
        )


class Faulty(Exception):
    """A document with problems, all of them. `sketch` is a service's sound part: what other
    documents refer to, so that they are judged in the same answer."""

    def __init__(self, problems: Sequence[Problem], sketch: Service | None = None) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = tuple(problems)
        self.sketch = sketch


def read(file: str, chunk: Chunk, *, defaults: Mapping[str, Any], marks: bool) -> Read | None:
    """A document's model, or None when it says nothing. Raises Faulty."""
    if len(chunk.text) > MAX_DOCUMENT:
        raise Faulty([_too_large(file, chunk)])
    try:
        value = parse(chunk.text, marks=marks)
    except Unreadable as error:
        problems = _unreadable(file, chunk, error)
        try:
            _validate(file, chunk, error.value, defaults=defaults)
        except Faulty as further:
            problems.extend(further.problems)
            raise Faulty(problems, further.sketch) from error
        raise Faulty(problems) from error
    return _validate(file, chunk, value, defaults=defaults)


def _validate(file: str, chunk: Chunk, value: Any, *, defaults: Mapping[str, Any]) -> Read | None:
    if value is None:
        return None
    kind = kind_of(value, file=file)
    if isinstance(kind, Complaint):
        place = Place(file, chunk.text, chunk.line)
        raise Faulty([place.problem(name_of(value), kind)])
    written = merge(defaults, value) if kind == SERVICE and defaults else value
    try:
        model = MODELS[kind].model_validate(written)
    except ValidationError as error:
        found = translate(error, written, MODELS[kind])
        complaints = _own(found, value, defaults) if kind == SERVICE else found
        problems = _invalid(Place(file, chunk.text, chunk.line), value, complaints)
        raise Faulty(problems, _sketch(written, found) if kind == SERVICE else None) from error
    assert isinstance(model, Service | Cell | Settings)
    return Read(kind, model, digest_of(written) if kind == SERVICE else "")


def check_defaults(defaults: Mapping[str, Any]) -> tuple[Complaint, ...]:
    """What is wrong with the defaults themselves, whatever the documents say."""
    if SERVICE in defaults:
        said = "a default cannot be every service's name"
        return (Complaint((DEFAULTS, SERVICE), said, "remove it"),)
    probe = merge(defaults, _PROBE)
    try:
        Service.model_validate(probe)
    except ValidationError as error:
        found = translate(error, probe, Service)
        return tuple(each._replace(path=(DEFAULTS, *each.path)) for each in found)
    return ()


def _invalid(
    place: Place, value: Mapping[str, Any], complaints: Sequence[Complaint]
) -> list[Problem]:
    name = name_of(value) if kind_of(value, file=place.file) != SETTINGS else SETTINGS_FILE
    return [place.problem(name, each) for each in complaints]


def _sketch(written: Mapping[str, Any], complaints: Sequence[Complaint]) -> Service | None:
    faulty = {each.path[0] for each in complaints if each.path}
    if faulty & {"service", "team"}:
        return None
    sound = {key: written[key] for key in _SKETCHED if key in written and key not in faulty}
    try:
        return Service.model_validate({**sound, "image": "sketch", "route": "none"})
    except ValidationError:
        return None


def _own(
    complaints: Sequence[Complaint], value: Mapping[str, Any], defaults: Mapping[str, Any]
) -> list[Complaint]:
    """Without those about the defaults, which are told once, where the defaults are."""
    return [
        each
        for each in complaints
        if _is_written(value, each.path) or not _is_written(defaults, each.path)
    ]


def _is_written(value: Any, path: Path) -> bool:
    for step in path:
        if not holds(value, step):
            return False
        value = value[step]
    return True


def _unreadable(file: str, chunk: Chunk, error: Unreadable) -> list[Problem]:
    return [
        Problem(
            file=file,
            line=chunk.line + finding.line - 1,
            path="document",
            message=finding.message,
            hint=finding.hint,
        )
        for finding in error.findings
    ]


def _too_large(file: str, chunk: Chunk) -> Problem:
    return Problem(
        file=file,
        line=chunk.line,
        path="document",
        message=f"is larger than a document may be ({MAX_DOCUMENT >> 20} MB)",
        hint="put large contents into files, and name them under `files:`",
    )
