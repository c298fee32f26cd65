"""`status`, `history`, `open`: how services are, were, and where."""

import os
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skerry.cli.completion import complete_services
from skerry.cli.connection import Server, service_path
from skerry.cli.console import Console, Format, render
from skerry.cli.options import Output, ServiceName
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
    watch: Annotated[bool, typer.Option("--watch", "-w", help="again at each change")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Say how every service is: its state, how many replicas are ready, and why if not.

    With a name: its facts, each replica, and the last a broken one said.
    """
    console = Console()
    server = open_session(console)
    if watch:
        _watch(server, console, name=name, form=output)
        return
    if name is None:
        every: StatusView = server.get("/v1/status")
        console.data(every, output, lambda: _status_lines(every, output))
        return
    one = _one(server, name)
    console.data(one, output, lambda: service_lines(one, now=SystemClock().now()))


def history(name: ServiceName, output: Output = Format.TABLE) -> None:
    """List a service's releases, newest first: image, who, why, and how it went."""
    console = Console()
    server = open_session(console)
    with suggesting(server, name):
        view: HistoryView = server.get(service_path(name, "history"))
    wide = output is Format.WIDE
    console.data(view, output, lambda: history_table(view, now=SystemClock().now(), wide=wide))


def open_url(name: ServiceName) -> None:
    """Print a service's URL, and open it when there is a browser and a terminal."""
    import sys

    console = Console()
    service = _one(open_session(console), name)
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


def _one(server: Server, name: str) -> "ServiceView":
    with suggesting(server, name):
        view: ServiceView = server.get(service_path(name))
    return view


def _status_lines(view: "StatusView", form: Format) -> list[Line]:
    return list(status_table(view, now=SystemClock().now(), wide=form is Format.WIDE))


def _watch(server: Server, console: Console, *, name: str | None, form: Format) -> None:
    """Print it again whenever it has changed; on a terminal, in place."""
    before = None
    while True:
        view: Any = server.get("/v1/status") if name is None else _one(server, name)
        if view != before and form.machine:
            console.data(view, form, list)
        elif view != before or console.live:
            now = SystemClock().now()
            lines = _status_lines(view, form) if name is None else [*service_lines(view, now=now)]
            shown = "\n".join(render(each, coloured=console.out_coloured) for each in lines)
            print(f"\x1b[H\x1b[2J{shown}" if console.out_coloured else f"{shown}\n", flush=True)
        before = view
        time.sleep(WATCH_SECONDS)
