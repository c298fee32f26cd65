"""Where in a stack's text its tenants are: lines found by indentation, nothing parsed.

Ten thousand tenants in one document take seconds to compose with positions, and a fault is in
one of them: only its own lines are composed.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Final, NamedTuple

from skerry.spec.positions import Positions

_SECTION: Final = re.compile(r"^(?:tenants|\"tenants\"|'tenants')[ \t]*:[ \t]*(?:#.*)?$")
_ENTRY: Final = re.compile(
    r"( *)(?:\"([^\"]*)\"|'([^']*)'|([^\s:#\"'{}\[\],&*!-][^\s:]*|-[^\s:]+))[ \t]*:(?=\s|$)"
)


class Block(NamedTuple):
    """A tenant's lines, counted from 0 within the text: from `start` up to `end`."""

    name: str
    start: int
    end: int


class Section:
    """The `tenants:` of a document written as a block; nothing when it is written on one line."""

    def __init__(self, text: str) -> None:
        self.lines: Final = text.split("\n")

    @cached_property
    def span(self) -> tuple[int, int] | None:
        """The lines of `tenants:` with all below it, up to but without the next key."""
        start = next((at for at, line in enumerate(self.lines) if _SECTION.match(line)), None)
        if start is None:
            return None
        below = range(start + 1, len(self.lines))
        end = next((at for at in below if self.lines[at][:1] not in ("", " ", "#", "\t")), None)
        return start, len(self.lines) if end is None else end

    @cached_property
    def blocks(self) -> dict[str, Block]:
        """Each tenant's lines, by name; with the lines of comments before the next."""
        found: dict[str, Block] = {}
        if self.span is None:
            return found
        first, last = self.span
        entries = [
            (at, match)
            for at in range(first + 1, last)
            if (match := _ENTRY.match(self.lines[at])) is not None
        ]
        indent = len(entries[0][1][1]) if entries else 0
        tops = [(at, match) for at, match in entries if len(match[1]) == indent > 0]
        ends = [*(at for at, _ in tops[1:]), last]
        for (at, match), end in zip(tops, ends if tops else (), strict=True):
            name = match[2] or match[3] or match[4]
            found[name] = Block(name, at, end)
        return found

    def text_of(self, block: Block) -> str:
        """The tenant's entry alone, as a document of its own."""
        return "\n".join(self.lines[block.start : block.end])

    @cached_property
    def rest(self) -> str:
        """The text without its tenants, every other line where it was."""
        if self.span is None:
            return "\n".join(self.lines)
        start, end = self.span
        return "\n".join([*self.lines[: start + 1], *[""] * (end - start - 1), *self.lines[end:]])


class StackPositions:
    """The lines of a stack's document, by path. Lines count from the start of the file."""

    def __init__(self, text: str, *, first_line: int) -> None:
        self._first = first_line
        self._section = Section(text)

    def line(self, path: Sequence[str | int]) -> int:
        """The line of what is at the path; of its nearest parent when nothing is."""
        if len(path) < 2 or path[0] != "tenants":
            return self._rest.line(path)
        block = self._section.blocks.get(str(path[1]))
        if block is None:
            return self._whole.line(path)
        first = self._first + block.start
        if len(path) == 2:
            return first
        return Positions(self._section.text_of(block), first_line=first).line(path[1:])

    @cached_property
    def _rest(self) -> Positions:
        return Positions(self._section.rest, first_line=self._first)

    @cached_property
    def _whole(self) -> Positions:
        return Positions("\n".join(self._section.lines), first_line=self._first)
