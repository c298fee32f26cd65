"""One document's text -> plain values, or the faults of the text.

Values come from ryaml (a Rust loader with libyaml's grammar and YAML 1.2's idea of what is a
number or a boolean); when it refuses, libyaml says where.
"""

import re
from itertools import islice
from typing import Any, Final

import yaml
from ryaml import loads

from skerry.spec.guard import Finding, examine, is_suspicious
from skerry.spec.limits import MAX_PROBLEMS
from skerry.spec.positions import compose, duplicates, odd_key

_TAB: Final = "\t"
_QUOTES: Final = "put the value in quotes"
_LINE: Final = re.compile(r"at line ([0-9]+)")
_SAID: Final = (
    ("found a tab character", "is indented with a tab", "use spaces"),
    ("mapping values are not allowed", "has a `: ` where none fits", f"indent, or {_QUOTES}"),
    ("unexpected end of stream", "has a quote that is never closed", "close it"),
    ("did not find expected ',' or ']'", "has a `[` that is never closed", "close it"),
    ("did not find expected ',' or '}'", "has a `{` that is never closed", "close it"),
    ("could not find expected ':'", "should be `key: value`", "add the colon, or indent"),
    ("did not find expected key", "does not fit what is above it", "fix the indentation"),
    ("undefined alias", "uses an alias whose anchor does not exist", _QUOTES),
    ("block sequence entries", "has a `- ` where none fits", "put the list on lines of its own"),
    ("unknown escape character", "has an unknown escape after `\\`", "use single quotes"),
)


class Unreadable(Exception):
    """The text is not a document. Carries every finding, at least one; and where the text can
    be understood all the same, its `value`, so that its other faults can be told too."""

    def __init__(self, findings: tuple[Finding, ...], value: Any = None) -> None:
        super().__init__(findings[0].message)
        self.findings = findings
        self.value = value


def parse(text: str, *, marks: bool = True) -> Any:
    """The document as maps, lists, text, numbers, booleans and None. Raises Unreadable."""
    if is_suspicious(text, marks=marks) and (findings := examine(text)):
        raise Unreadable(findings)
    try:
        return loads(text)
    except (ValueError, OverflowError, RecursionError) as error:
        raise _diagnose(text, str(error)) from error


def _diagnose(text: str, said: str) -> Unreadable:
    if findings := examine(text):
        return Unreadable(findings)
    try:
        root = compose(text)
    except yaml.MarkedYAMLError as error:
        return Unreadable((_translate(text, error),))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return Unreadable((Finding(line, "has a control character in it", "remove it"),))
    except (yaml.YAMLError, UnicodeError, RecursionError):
        return Unreadable((Finding(1, "is not text in UTF-8", "save the file as UTF-8"),))
    found = tuple(
        Finding(line, f"has `{key}` twice, first on line {first}", "keep one of them")
        for key, line, first in islice(duplicates(root), MAX_PROBLEMS)
    )
    if found:
        return Unreadable(found, _construct(root))
    if (odd := odd_key(root)) is not None:
        return Unreadable((Finding(odd, "has a key that is a map or a list", "use text as a key"),))
    at = _LINE.search(said)
    line = int(at[1]) if at is not None else 1
    return Unreadable((Finding(line, "holds a number too large to read", _QUOTES),))


def _construct(node: yaml.Node | None) -> Any:
    """The value of nodes with duplicate keys: the last of them wins."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _construct(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_construct(each) for each in node.value]
    if not isinstance(node, yaml.ScalarNode) or node.style:
        return None if node is None else node.value
    try:
        return loads(node.value)
    except (ValueError, OverflowError, RecursionError):
        return node.value


def _translate(text: str, error: yaml.MarkedYAMLError) -> Finding:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 1
    problem = error.problem or "is not YAML"
    if "cannot start any token" in problem and mark is not None:
        lines = text.split("\n")
        here = lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""
        if here == _TAB:
            return Finding(line, "is indented with a tab", "use spaces")
        return Finding(line, f"has a value that starts with `{here}`", _QUOTES)
    for part, message, hint in _SAID:
        if part in problem:
            if error.context_mark is not None and "never closed" in message:
                line = error.context_mark.line + 1
            return Finding(line, message, hint)
    return Finding(line, f"is not YAML: {problem}", "")
