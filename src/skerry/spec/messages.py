"""A model's complaints -> our sentences: what was expected, what to write instead."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from skerry.model.document import NAME, Misfit
from skerry.model.keys import DEFAULT_NAMESPACE
from skerry.model.secret import SecretKey
from skerry.spec.expected import known_keys, say_expected, say_expected_key
from skerry.spec.limits import MAX_PROBLEMS
from skerry.spec.positions import Path
from skerry.spec.words import PRIVATE, show_key, show_value, suggest

_KEY: Final = "[key]"
_MERGE: Final = "<<"


class Complaint(NamedTuple):
    """A fault at a path within a document, before its line is known."""

    path: Path
    message: str
    hint: str = ""


def translate(
    error: ValidationError, value: Mapping[str, Any], model: type[BaseModel]
) -> tuple[Complaint, ...]:
    """Each fault once, in the order of the document's fields. `value` is what was validated."""
    details = error.errors(include_url=False)[: MAX_PROBLEMS * 4]
    placed = [(_path(detail, value), detail) for detail in details]
    told: dict[Path, Complaint] = {}
    for path, detail in placed:
        hidden = any(len(other) > len(path) and other[: len(path)] == path for other, _ in placed)
        if not (hidden and detail["type"] != "value_error"):
            told.setdefault(path, _complain(path, detail, model, team=value.get("team")))
    return tuple(told.values())[:MAX_PROBLEMS]


def holds(value: Any, step: Any) -> bool:
    """Whether a map has the key, or a list the position."""
    if isinstance(value, Mapping):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def _path(detail: ErrorDetails, value: Any) -> Path:
    """Where in the document: pydantic's own labels of alternatives are left out."""
    path: list[str | int] = []
    steps: Sequence[Any] = detail["loc"]
    for position, step in enumerate(steps):
        if holds(value, step):
            value = value[step]
        elif not (detail["type"] == "missing" and position == len(steps) - 1):
            continue
        path.append(step)
    return tuple(path)


def _complain(path: Path, detail: ErrorDetails, model: type[BaseModel], *, team: Any) -> Complaint:
    kind, value = detail["type"], detail["input"]
    if kind == "missing":
        return Complaint(path, "is required", f"write `{path[-1]}: ...`")
    if kind == "extra_forbidden":
        return _unknown_key(path, model)
    if kind != "value_error" and detail["loc"] and detail["loc"][-1] == _KEY:
        return Complaint(path, f"its name should be {say_expected_key(model, path[:-1])}")
    if kind == "value_error":
        error = detail["ctx"]["error"]
        shown = show_value(value, path) if "should be" in (said := str(error)) else ""
        return Complaint(path, said + shown, error.hint if isinstance(error, Misfit) else "")
    if kind == "string_too_long":
        return Complaint(path, f"should be at most {detail['ctx']['max_length']} characters long")
    said = f"should be {say_expected(model, path)}{show_value(value, path)}"
    if "secrets" in path:
        return Complaint(path, said, _store(_slug(str(path[-1])), team))
    return Complaint(path, said, _instead(path, value, model))


def _unknown_key(path: Path, model: type[BaseModel]) -> Complaint:
    if path[-1] == _MERGE:
        said = "YAML's merge key `<<` is not supported"
        return Complaint(path, said, "write it out, or use defaults in skerry.yaml")
    known = known_keys(model, path[:-1])
    if path[0] == "cells" and len(path) == 3 and path[-1] in known_keys(model, ()):
        said = f"{path[-1]} is the same in every cell"
        return Complaint(path, said, f"what may differ: {', '.join(known)}")
    for parent in known:
        if path[-1] in known_keys(model, (*path[:-1], parent)):
            said = f"unknown key `{path[-1]}`: it belongs below `{parent}`"
            return Complaint(path, said, f"write `{parent}: {{{path[-1]}: ...}}`")
    end, hint = suggest(str(path[-1]), known)
    return Complaint(path, f"unknown key `{show_key(path[-1])}`{end}", hint)


def _instead(path: Path, value: Any, model: type[BaseModel]) -> str:
    if isinstance(value, str) and value.isdecimal() and "number" in say_expected(model, path):
        return f"write {show_key(value)}, without quotes"
    if isinstance(value, str) and not PRIVATE.intersection(str(step) for step in path):
        expected = say_expected(model, path)
        if NAME.said in expected and (slug := _slug(value)):
            return f"write `{slug}`"
        if " or " in expected:
            return next((f"write `{each}`" for each in _near(value, expected)), "")
    return ""


def _store(name: str, team: Any) -> str:
    namespace = (
        team if isinstance(team, str) and re.fullmatch(NAME.pattern, team) else DEFAULT_NAMESPACE
    )
    return f"skerry secrets set {SecretKey(namespace, name)}, then write store:{name}"


def _near(value: str, expected: str) -> Iterator[str]:
    words = expected.replace(",", " ").split()
    end, _ = suggest(value.lower(), [word for word in words if word != "or"])
    if "`" in end:
        yield end.split("`")[1]


def _slug(written: str) -> str:
    """The nearest thing that is a name."""
    slug = "".join(each if each.isascii() and each.isalnum() else "-" for each in written.lower())
    return "-".join(part for part in slug.split("-") if part)[:48].strip("-")
