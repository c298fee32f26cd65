"""`skerry logs`: what containers say, merged by time; each replica in its own colour."""

import json
import queue
import threading
import zlib
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from skerry.cli.cells import end_with
from skerry.cli.completion import complete_services
from skerry.cli.connection import Door, service_path
from skerry.cli.console import ANSI, Console, Format
from skerry.cli.looking import look
from skerry.cli.options import Cells, Output, seconds
from skerry.cli.session import open_session
from skerry.clock import SystemClock
from skerry.errors import ServerUnavailable, SkerryError
from skerry.report.lines import Line, Piece, clean

if TYPE_CHECKING:
    from skerry.report.shapes import CellFailureView, LogLineView

    Line_ = LogLineView | CellFailureView

_COLOURS = sum(1 for style in ANSI if style.startswith("replica"))


def logs(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME", help="one service, or several", autocompletion=complete_services
        ),
    ],
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on with what comes")] = False,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="not older than this, as 10m or 2h")
    ] = "",
    tail: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="the last N lines  [default: 200]")
    ] = None,
    replica: Annotated[str | None, typer.Option(help="only this replica")] = None,
    cell: Cells = None,
    output: Output = Format.TABLE,
) -> None:
    """Print what services say, every replica of each, in every cell.

    With `--follow`, lines to come too, from replicas as they come and go, until Ctrl-C.
    `-o json` prints one JSON object a line.
    """
    console = Console()
    server = open_session(console)
    query = {
        "follow": follow or None,
        "replica": replica,
        "since": _ago(since) if since else None,
        "tail": tail if tail is not None else (None if since else 200),
        "cell": cell,
    }
    looks = [look(server, name, cell) for name in names]
    several = len({each["cell"] for look_ in looks for each in look_["services"]}) > 1
    failures: dict[str, CellFailureView] = {}
    lines = _together(server, names, query) if follow else _by_time(server, names, query)
    for each in lines:
        if "reason" in each:
            failures[each["cell"]] = cast("CellFailureView", each)
        elif output.machine:
            print(json.dumps(each, ensure_ascii=False), flush=follow)
        else:
            console.print([_log_line(each, several=several)])
    end_with(console, [*failures.values()])
    if not follow:
        return
    raise ServerUnavailable("the server has ended the stream", subject="logs", hint="skerry up")


def _ago(written: str) -> str:
    return (SystemClock().now() - timedelta(seconds=seconds(written))).isoformat()


def _log_line(view: "LogLineView", *, several: bool) -> Line:
    colour = f"replica{zlib.crc32(view['replica'].encode()) % _COLOURS}"
    cell = (Piece(f"{view['cell']}  ", "dim"),) if several else ()
    return (*cell, Piece(view["replica"], colour), Piece(f"  {clean(view['text'])}"))


def _by_time(server: Door, names: list[str], query: dict[str, Any]) -> list["Line_"]:
    lines = [each for name in names for each in _lines(server, name, query)]
    return sorted(lines, key=_at) if len(names) > 1 else lines


def _at(each: "Line_") -> str:
    """Failures last."""
    return "~" if "reason" in each else each["at"]


def _together(server: Door, names: list[str], query: dict[str, Any]) -> Iterator["Line_"]:
    """Lines of all as they come; a stream that ends ends alone, an error ends them all."""
    came: queue.Queue[Line_ | SkerryError | None] = queue.Queue()

    def carry(name: str) -> None:
        try:
            for each in _lines(server, name, query):
                came.put(each)
        except SkerryError as error:
            came.put(error)
        came.put(None)

    for name in names:
        threading.Thread(target=carry, args=(name,), daemon=True).start()
    open_streams = len(names)
    while open_streams:
        each = came.get()
        if isinstance(each, SkerryError):
            raise each
        if each is None:
            open_streams -= 1
        else:
            yield each


def _lines(server: Door, name: str, query: dict[str, Any]) -> Iterator["Line_"]:
    from skerry.cli.failures import as_error

    for event in server.stream(service_path(name, "logs"), query=query):
        if event.name in ("line", "failed"):
            yield event.data
        elif event.name == "error":
            raise as_error(event.data.get("error", event.data))
        elif event.name == "end":
            return
