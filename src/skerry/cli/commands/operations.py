"""`skerry operations`: what is being done, and how it went."""

from typing import Annotated
from urllib.parse import quote

import typer

from skerry.cli.cells import Answer
from skerry.cli.completion import complete_operations
from skerry.cli.console import Console, Format
from skerry.cli.follow import finish
from skerry.cli.options import Output
from skerry.cli.session import open_session
from skerry.clock import SystemClock
from skerry.report.tables import operations_table


def operations(
    id: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="attach to this one", autocompletion=complete_operations),
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, max=500, help="how many of the newest")] = 20,
    output: Output = Format.TABLE,
) -> None:
    """List operations, newest first; with an id, show all it said and wait for its end."""
    console = Console()
    server = open_session(console)
    if id is not None:
        operation = server.get(f"/v1/operations/{quote(id, safe='')}")
        started: Answer = {"operations": [operation], "unreachable": []}
        finish(server, started, form=output, services=lambda: ())
        return
    view = server.get("/v1/operations", limit=limit)
    console.data(view, output, lambda: operations_table(view, now=SystemClock().now()))
