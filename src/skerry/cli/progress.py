"""Progress as it comes: redrawn in place on a terminal, one quiet line per event elsewhere."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from skerry.cli.console import Console
from skerry.report.lines import Line, line, progress_line, waiting_lines

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

    from skerry.report.shapes import ProgressView

_SETTLED: Final = ("done", "failed")
_AGES: Final = re.compile(r"\b(?:\d+(?:\.\d+)? ?(?:ms|s|m|h|d))+\b")


class Display(Protocol):
    """Shows what an operation says."""

    def show(self, progress: "ProgressView", *, cell: str = "") -> None:
        """One more thing it said; in which cell, where there are several."""

    def note(self, text: str) -> None:
        """A line of our own between."""


class PlainDisplay:
    """A line per event; a wait that repeats itself is said once, however its age grows."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: dict[tuple[str, str], tuple[str, str]] = {}

    def show(self, progress: "ProgressView", *, cell: str = "") -> None:
        """Prints it, unless it is what that service said last."""
        said = (progress["stage"], _AGES.sub("", progress["message"]))
        if self._last.get((cell, progress["service"])) != said:
            self._last[cell, progress["service"]] = said
            self._console.say_lines([progress_line(progress, cell=cell)])

    def note(self, text: str) -> None:
        """A line of our own between."""
        self._console.say(text)


class LiveDisplay:
    """What is settled scrolls by; what is under way stays at the bottom, with its age."""

    def __init__(self, console: Console) -> None:
        from rich.console import Console as Screen
        from rich.live import Live

        from skerry.clock import SystemClock

        self._clock = SystemClock()
        self._under_way: dict[tuple[str, str], ProgressView] = {}
        self._last: Line = ()
        self._screen = Screen(stderr=True, highlight=False, no_color=not console.err_coloured)
        self.live = Live(
            console=self._screen,
            get_renderable=self._render,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def show(self, progress: "ProgressView", *, cell: str = "") -> None:
        """Redraws; what is settled moves above the rest and stays."""
        if progress["stage"] in _SETTLED or not progress["service"]:
            self._under_way.pop((cell, progress["service"]), None)
            said = progress_line(progress, cell=cell)
            if said != self._last:
                self._print(said)
            self._last = said
        else:
            self._under_way[cell, progress["service"]] = progress
        self.live.refresh()

    def note(self, text: str) -> None:
        """A line of our own, above what is under way."""
        self._print(line(text))

    def _print(self, pieces: Line) -> None:
        self._screen.print(_text(pieces))

    def _render(self) -> "Group":
        from rich.console import Group

        now = self._clock.now()
        waits = list(self._under_way.items())
        return Group(
            *(
                _text(each)
                for (cell, _), wait in waits
                for each in waiting_lines(wait, now, cell=cell)
            )
        )


def _text(pieces: Line) -> "Text":
    from rich.text import Text

    styles = {
        "good": "green",
        "warn": "yellow",
        "bad": "bold red",
        "dim": "dim",
        "strong": "bold",
        "add": "green",
        "remove": "red",
    }
    text = Text(no_wrap=True, overflow="ellipsis")
    for piece in pieces:
        text.append(piece.text, style=styles.get(piece.style, ""))
    return text


@contextmanager
def display(console: Console) -> Iterator[Display]:
    """The display that suits where standard error goes."""
    if not console.live:
        yield PlainDisplay(console)
        return
    shown = LiveDisplay(console)
    with shown.live:
        yield shown
