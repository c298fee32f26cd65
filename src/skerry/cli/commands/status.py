"""`status`, `history`, `open`: how services are, were, and where."""

import os
import time
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from skerry.cli.cells import end_with, say_failures, silent_cells
from skerry.cli.completion import complete_services
from skerry.cli.connection import Door, service_path
from skerry.cli.console import Console, Format, render
from skerry.cli.looking import look
from skerry.cli.options import Cells, OneCell, Output, ServiceName
from skerry.cli.session import open_session, suggesting
from skerry.clock import SystemClock
from skerry.errors import Refused
from skerry.report.lines import Line
from skerry.report.tables import history_table, service_lines, status_table

if TYPE_CHECKING:
    from skerry.report.shapes import HistoryView, ServiceView, StatusView

WATCH_SECONDS = 1.0


def status(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="one service in full", autocompletion=complete_services
        ),
    ] = None,
    *,
    cell: Cells = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="again at each change")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Say how every service is: its state, how many replicas are ready, and why if not.

    With a name: its facts, each replica, and the last a broken one said. A cell that does not
    answer is named with why, and the exit code is 1.
    """
    console = Console()
    door = open_session(console)
    if watch:
        _watch(door, console, Look(name, tuple(cell or ())), form=output)
        return
    view = look(door, name, cell or ())
    shown = view if name is None or len(view["cells"]) > 1 else view["services"][0]
    console.data(shown, output, lambda: _lines(view, name, output))
    end_with(console, silent_cells(view))


def history(name: ServiceName, *, cell: Cells = None, output: Output = Format.TABLE) -> None:
    """List a service's releases, newest first: image, who, why, and how it went."""
    console = Console()
    door = open_session(console)
    with suggesting(door, name):
        view: HistoryView = door.get(service_path(name, "history", cells=cell or ()))
    wide = output is Format.WIDE
    console.data(view, output, lambda: history_table(view, now=SystemClock().now(), wide=wide))
    end_with(console, view["unreachable"])


def open_url(name: ServiceName, *, cell: OneCell = None) -> None:
    """Print a service's URL, and open it when there is a browser and a terminal."""
    import sys

    door = open_session(Console())
    with suggesting(door, name):
        service: ServiceView = door.get(service_path(name, cells=[cell] if cell else ()))
    if not service["url"]:
        raise Refused(
            "has no URL: it is a worker, speaks TCP, or has `route: none`",
            subject=name,
            hint=f"skerry status {name}",
        )
    print(service["url"])
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.stdout.isatty() and (screen or sys.platform == "darwin"):
        import webbrowser

        webbrowser.open(service["url"])


class Look(NamedTuple):
    """What is looked at: one service or all, in some cells or all."""

    name: str | None
    cells: tuple[str, ...]


def _lines(view: "StatusView", name: str | None, form: Format) -> list[Line]:
    now = SystemClock().now()
    if name is None:
        return list(status_table(view, now=now, wide=form is Format.WIDE))
    several = len(view["cells"]) > 1
    return [
        each
        for service in view["services"]
        for each in service_lines(service, now=now, cell=service["cell"] if several else "")
    ]


def _watch(door: Door, console: Console, meant: Look, *, form: Format) -> None:
    """Print it again whenever it has changed; on a terminal, in place."""
    before = None
    while True:
        view = look(door, meant.name, meant.cells)
        if view != before and form.machine:
            console.data(view, form, list)
        elif view != before or console.live:
            lines = _lines(view, meant.name, form)
            shown = "\n".join(render(each, coloured=console.out_coloured) for each in lines)
            print(f"\x1b[H\x1b[2J{shown}" if console.out_coloured else f"{shown}\n", flush=True)
            if view != before:
                say_failures(console, silent_cells(view))
        before = view
        time.sleep(WATCH_SECONDS)
