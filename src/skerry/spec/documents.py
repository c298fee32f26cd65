"""One document: its text to a validated model, or its problems with their lines."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from skerry.errors import Problem
from skerry.model.cell import Cell
from skerry.model.objects import digest_of
from skerry.model.repository import Settings
from skerry.model.service import Service
from skerry.model.stack import Stack
from skerry.spec.blocks import StackPositions
from skerry.spec.chunks import Chunk
from skerry.spec.defaults import merge
from skerry.spec.kinds import SERVICE, SETTINGS, SETTINGS_FILE, STACK, kind_of, name_of
from skerry.spec.limits import MAX_DOCUMENT, MAX_STACK
from skerry.spec.messages import Complaint, holds, translate
from skerry.spec.overrides import judge_overrides
from skerry.spec.parse import Unreadable, parse
from skerry.spec.positions import Path, Positions
from skerry.spec.tenants import Tenants, read_tenants
from skerry.spec.words import show_path

MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "service": Service,
    STACK: Stack,
    "cell": Cell,
    SETTINGS: Settings,
}
DEFAULTS: Final = "defaults"
_STACK: Final = re.compile(r"^stack[ \t]*:", re.MULTILINE)
_PROBE: Final = {"service": "probe", "image": "probe"}
_SKETCHED: Final = ("service", "team", "tags", "depends", "cells", "secrets")


@dataclass(frozen=True, slots=True)
class Read:
    """A document understood. `digest` covers what was written, with the defaults. A stack's
    tenants are beside its model, which has none."""

    kind: str
    model: Service | Stack | Cell | Settings
    digest: str
    tenants: Tenants | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document stands. Finds the lines of its parts, slowly, when asked."""

    file: str
    text: str
    line: int
    stack: bool = False
    _found: list[Positions | StackPositions] = field(default_factory=list, compare=False)

    def problem(self, name: str, complaint: Complaint) -> Problem:
        """The complaint, at its line."""
        if not self._found:
            find = StackPositions if self.stack else Positions
            self._found.append(find(self.text, first_line=self.line))
        return Problem(
            file=self.file,
            line=self._found[0].line(complaint.path),
            path=show_path(name, complaint.path),
            message=complaint.message,
            hint=complaint.hint,
        )


class Faulty(Exception):
    """A document with problems, all of them. `sketch` is the sound part of a service or of a
    stack: what other documents refer to, so that they are judged in the same answer."""

    def __init__(self, problems: Sequence[Problem], sketch: Read | None = None) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = tuple(problems)
        self.sketch = sketch


def read(file: str, chunk: Chunk, *, defaults: Mapping[str, Any], marks: bool) -> Read | None:
    """A document's model, or None when it says nothing. Raises Faulty."""
    most = MAX_STACK if _STACK.search(chunk.text) else MAX_DOCUMENT
    if len(chunk.text) > most:
        raise Faulty([_too_large(file, chunk, most)])
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
    if kind == STACK:
        return _stack(Place(file, chunk.text, chunk.line, stack=True), value)
    written = merge(defaults, value) if kind == SERVICE and defaults else value
    try:
        model = MODELS[kind].model_validate(written)
    except ValidationError as error:
        found = translate(error, written, MODELS[kind])
        complaints = _own(found, value, defaults) if kind == SERVICE else found
        problems = _invalid(Place(file, chunk.text, chunk.line), value, complaints)
        raise Faulty(problems, _sketch(written, found) if kind == SERVICE else None) from error
    assert isinstance(model, Service | Cell | Settings)
    if not isinstance(model, Service):
        return Read(kind, model, "")
    if complaints := tuple(judge_overrides(model, written)):
        problems = _invalid(Place(file, chunk.text, chunk.line), value, complaints)
        raise Faulty(problems, _sketch(written, complaints))
    return Read(
        kind, model, digest_of({key: each for key, each in written.items() if key != "cells"})
    )


def _stack(place: Place, value: Mapping[str, Any]) -> Read:
    """A stack without a model per tenant; only where something is wrong are they made."""
    try:
        return _sound_stack(value)
    except ValidationError:
        try:
            Stack.model_validate(value)
        except ValidationError as error:
            complaints = translate(error, value, Stack)
            told = [place.problem(name_of(value), each) for each in complaints]
            raise Faulty(told, _stack_sketch(value, complaints)) from error
        raise


def _sound_stack(value: Mapping[str, Any]) -> Read:
    model = Stack.model_validate({**value, "tenants": {}})
    return Read(STACK, model, "", read_tenants(value.get("tenants", {})))


def _stack_sketch(value: Mapping[str, Any], complaints: Sequence[Complaint]) -> Read | None:
    """What is sound of it: all but the fields and the tenants that are not."""
    faulty = {each.path[0] for each in complaints if len(each.path) == 1 or not _at_tenant(each)}
    tenants = {each.path[1] for each in complaints if _at_tenant(each)}
    sound = {key: each for key, each in value.items() if key not in faulty}
    if "tenants" in sound:
        written = sound["tenants"].items()
        sound["tenants"] = {name: each for name, each in written if name not in tenants}
    if "template" in faulty:
        sound["template"] = {"image": "sketch"}
    try:
        return _sound_stack(sound)
    except ValidationError:
        return None


def _at_tenant(complaint: Complaint) -> bool:
    return complaint.path[0] == "tenants" and len(complaint.path) > 1


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


def _sketch(written: Mapping[str, Any], complaints: Sequence[Complaint]) -> Read | None:
    faulty = {each.path[0] for each in complaints if each.path}
    if faulty & {"service", "team"}:
        return None
    sound = {key: written[key] for key in _SKETCHED if key in written and key not in faulty}
    try:
        model = Service.model_validate({**sound, "image": "sketch", "route": "none"})
        return Read(SERVICE, model, "")
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


def _too_large(file: str, chunk: Chunk, most: int) -> Problem:
    return Problem(
        file=file,
        line=chunk.line,
        path="document",
        message=f"is larger than a document may be ({most >> 20} MB)",
        hint="put large contents into files, and name them under `files:`"
        if most == MAX_DOCUMENT
        else "split it: other documents of the same `stack:` may hold more tenants",
    )
