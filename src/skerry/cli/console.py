"""Standard output for data, standard error for everything said on the way."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, Final, TextIO

from skerry.errors import SkerryError
from skerry.report.lines import Line, Piece, error_lines, line


class Format(StrEnum):
    """How data is printed."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"

    @property
    def machine(self) -> bool:
        """Whether a program reads it."""
        return self in (Format.JSON, Format.YAML)


ANSI: Final = {
    "good": "32",
    "warn": "33",
    "bad": "1;31",
    "dim": "2",
    "strong": "1",
    "add": "32",
    "remove": "31",
    **{f"replica{at}": code for at, code in enumerate(("36", "35", "34", "33", "32", "96", "95"))},
}


class Console:
    """Where a command prints. Colours only on a terminal, and never with NO_COLOR."""

    def __init__(self) -> None:
        self.out_coloured = _coloured(sys.stdout)
        self.err_coloured = _coloured(sys.stderr)

    @property
    def live(self) -> bool:
        """Whether progress can be redrawn in place."""
        return sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb"

    @property
    def interactive(self) -> bool:
        """Whether there is somebody to ask."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def print(self, lines: Iterable[Line]) -> None:
        """Data, to standard output."""
        for each in lines:
            print(render(each, coloured=self.out_coloured))

    def say(self, *pieces: str | Piece) -> None:
        """One line on the way, to standard error."""
        self.say_lines([line(*pieces)])

    def say_lines(self, lines: Iterable[Line]) -> None:
        """Lines on the way, to standard error."""
        for each in lines:
            print(render(each, coloured=self.err_coloured), file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        """Something that goes on all the same."""
        self.say(Piece("warning: ", "warn"), text)

    def data(self, view: Any, form: Format, lines: Callable[[], Iterable[Line]]) -> None:
        """A view, as asked for: `lines` makes the table when a person reads."""
        if form is Format.JSON:
            print(json.dumps(view, indent=2, ensure_ascii=False))
        elif form is Format.YAML:
            import yaml

            print(yaml.safe_dump(view, sort_keys=False, allow_unicode=True), end="")
        else:
            self.print(lines())

    def error(self, error: SkerryError) -> None:
        """Subject, cause, and the command that helps."""
        from skerry.cli.failures import as_body

        self.say_lines(error_lines(as_body(error)))

    def ask(self, question: str) -> bool:
        """A yes or no on the terminal; no when nothing is answered."""
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")


def render(pieces: Line, *, coloured: bool) -> str:
    """A line as the terminal takes it."""
    if not coloured:
        return "".join(piece.text for piece in pieces).rstrip()
    return "".join(
        f"\x1b[{ANSI[piece.style]}m{piece.text}\x1b[0m" if piece.style in ANSI else piece.text
        for piece in pieces
    )


def _coloured(stream: TextIO) -> bool:
    terminal = stream.isatty() and os.environ.get("TERM", "") != "dumb"
    return terminal and not os.environ.get("NO_COLOR")
