"""Every command that a message names can be typed: it is in the catalogue, and what it cannot
do without is named as well, unless a sentence only mentions it, `in quotes`."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import skerry
from skerry.cli.app import build
from skerry.cli.catalogue import CATALOGUE

SOURCE = Path(str(skerry.__file__)).parent
# Where a command begins: alone, after a mark, or after a word that leads to one.
COMMAND = re.compile(
    r"(?:^|[`;:,(|=]\s?|\b(?:run|then|or|see|and)\s)"
    r"(?:sudo\s)?skerry (?P<words>[a-z][a-z-]*(?: [^\s`;,()|]+)*`?)"
)
ENTRIES = {entry.name: entry for entry in CATALOGUE}
PROSE = ("as",)  # `run skerry as the user who ...`


def messages() -> Iterator[tuple[str, str]]:
    """Every text in the source that is said to somebody: place and text, values as X."""
    for file in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(file.read_text())
        silent = {id(part) for part in _unsaid(tree)}
        for node in ast.walk(tree):
            if id(node) not in silent and (text := _text(node)) is not None:
                yield f"{file.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)}", text


def commands() -> list[tuple[str, str]]:
    return [
        (place, found["words"])
        for place, text in messages()
        for found in COMMAND.finditer(text)
        if found["words"].split()[0] not in PROSE
    ]


def test_a_command_that_is_named_exists_with_what_it_needs() -> None:
    assert not [f"{place}: {fault}" for place, words in commands() if (fault := _fault(words))]


def test_there_are_commands_to_look_at() -> None:
    named = {words.rstrip("`").split()[0] for _, words in commands()}
    assert {"doctor", "delete", "history", "logs", "secrets", "token", "up"} <= named
    assert len(commands()) > 100


def _fault(words: str) -> str:
    said = words.rstrip("`").split()
    name = next((" ".join(said[:n]) for n in (2, 1) if " ".join(said[:n]) in ENTRIES), None)
    if name is None:
        return f"there is no `skerry {said[0]}`"
    lacking = _needed(name) > len(said) - len(name.split()) and not words.endswith("`")
    return f"`skerry {words}` does not say enough" if lacking else ""


@cache
def _needed(name: str) -> int:
    built: Any = build(ENTRIES[name])
    if not ENTRIES[name].target:
        return 1  # a group: one of its commands
    return sum(each.required for each in built.params if each.param_type_name == "argument")


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "X" for part in node.values)
        return "".join(map(str, parts))
    return None


def _unsaid(tree: ast.AST) -> Iterator[ast.AST]:
    """Docstrings, and the parts of texts with values: the whole is looked at."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            yield node.value
        if isinstance(node, ast.JoinedStr):
            yield from node.values
