"""What YAML can do and a document should not: bombs, tags, bottomless nesting.

The fast parser is shown a text only after this. A cheap look finds the few documents that
could hold such a thing; only those are examined event by event, without building anything.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import yaml

from skerry.spec.limits import MAX_DEPTH, MAX_EXPANDED, MAX_PROBLEMS

_MARKS: Final = ("&", "*", "!", "+", "0x", "0o", "0b")
_START: Final = re.compile(
    r"(?:^|[\s\[{,:?-])(?:[&*!]|[-+]?0[xob][0-9a-fA-F]|\+[0-9])", re.MULTILINE
)
_HIDDEN: Final = re.compile(
    r"(?<![^\s\[{,:-])(?:\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\n]|'')*')|(?<!\S)#[^\n]*"
)
_QUOTE: Final = re.compile(r"(?<![^\s\[{,:-])[\"']")
_BRACKET: Final = re.compile(r"[\[\]{}]")
_FOREIGN_NUMBER: Final = re.compile(r"[-+]?0[xob][0-9a-fA-F_]+|\+[0-9]+")


class Finding(NamedTuple):
    """A fault in the text itself. `line` counts from 1 within the text."""

    line: int
    message: str
    hint: str = ""


def may_hold_marks(text: str) -> bool:
    """Whether any document of this file needs the second look of `is_suspicious`."""
    return any(mark in text for mark in _MARKS)


def is_suspicious(text: str, *, marks: bool) -> bool:
    """Whether the text must be examined before it is parsed."""
    if text.count("[") + text.count("{") > MAX_DEPTH and deepest(text) > MAX_DEPTH:
        return True
    return marks and may_hold_marks(text) and _START.search(text) is not None


def deepest(text: str) -> int:
    """How deep brackets nest at most, in a text too large to be examined for having many. In
    text that stands bare a bracket opens nothing, and a closing one outside of any closes
    nothing. Quotes that are not closed on their line could hide anything: then it is as deep as
    there are brackets."""
    bare = _HIDDEN.sub("", text)
    if _QUOTE.search(bare):
        return bare.count("[") + bare.count("{")
    depth = most = 0
    for bracket in _BRACKET.findall(bare):
        if bracket in "[{":
            depth += 1
            if depth > most:
                most = depth
        elif depth:
            depth -= 1
    return most


def examine(text: str) -> tuple[Finding, ...]:
    """Everything in the text that a document should not hold. Text that is not YAML at all is
    left to the parser to refuse."""
    examination = _Examination(most=max(MAX_EXPANDED, 2 * len(text)))
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if not examination.take(event):
                break
    except (yaml.YAMLError, UnicodeError):
        pass
    return tuple(examination.findings)


@dataclass(slots=True)
class _Open:
    anchor: str | None
    size: int = 1


@dataclass(slots=True)
class _Examination:
    most: int
    findings: list[Finding] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=lambda: [_Open(None)])
    sizes: dict[str, int] = field(default_factory=dict)

    def take(self, event: Any) -> bool:
        """Look at one event; False when there is no point in going on."""
        if len(self.findings) >= MAX_PROBLEMS:
            return False
        if getattr(event, "tag", None) not in (None, "!"):
            self._find(event, "tags such as !!str are not supported", "put text in quotes instead")
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self.stack.append(_Open(event.anchor))
            if len(self.stack) > MAX_DEPTH:
                return self._find(event, f"is nested more than {MAX_DEPTH} levels deep")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            closed = self.stack.pop()
            return self._add(event, closed.anchor, closed.size)
        elif isinstance(event, yaml.ScalarEvent):
            self._judge_number(event)
            return self._add(event, event.anchor, 1 + len(event.value))
        elif isinstance(event, yaml.AliasEvent):
            return self._repeat(event)
        return True

    def _repeat(self, event: Any) -> bool:
        if any(each.anchor == event.anchor for each in self.stack):
            return self._find(event, f"*{event.anchor} refers to what it is part of")
        return self._add(event, None, self.sizes.get(event.anchor, 1))

    def _judge_number(self, event: Any) -> None:
        if not event.style and _FOREIGN_NUMBER.fullmatch(event.value):
            self._find(event, "numbers are written with decimal digits", "put text in quotes")

    def _add(self, event: Any, anchor: str | None, size: int) -> bool:
        self.stack[-1].size += size
        if anchor is not None:
            self.sizes[anchor] = size
        if self.stack[-1].size > self.most:
            said = "repeats so much by aliases that it would not end"
            return self._find(event, said, "write it out, or use defaults in skerry.yaml")
        return True

    def _find(self, event: Any, message: str, hint: str = "") -> bool:
        self.findings.append(Finding(event.start_mark.line + 1, message, hint))
        return False
