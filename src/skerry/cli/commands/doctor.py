"""`doctor`, `schema`, `version`: about the machine and this program; no server needed."""

import json
from typing import TYPE_CHECKING

import typer

from skerry.cli.app import Doors
from skerry.cli.codes import FAILED
from skerry.cli.connection import connect
from skerry.cli.console import Console, Format
from skerry.cli.launch import log_tail
from skerry.cli.options import Output
from skerry.cli.target import state_folder
from skerry.errors import ServerUnavailable, SkerryError
from skerry.report.lines import Piece, clean
from skerry.report.tables import checks_lines

if TYPE_CHECKING:
    from skerry.report.shapes import ChecksView, CheckView, VersionView


def doctor(context: typer.Context, output: Output = Format.TABLE) -> None:
    """Look at everything Skerry needs on this machine, and say what to do about what lacks.

    Asks the server; without one, looks itself. Exit code 1 when something lacks that keeps
    services from running or being reached; a warning alone is 0.
    """
    console = Console()
    doors: Doors = context.find_object(Doors) or context.obj
    view = _checks(doors, console)
    console.data(view, output, lambda: checks_lines(view))
    if any(check["stops"] and not check["ok"] for check in view["checks"]):
        raise typer.Exit(FAILED)


def schema(context: typer.Context) -> None:
    """Print the JSON Schema of documents, as editors take it."""
    doors: Doors = context.find_object(Doors) or context.obj
    print(json.dumps(doors.schema(), indent=2))


def version(output: Output = Format.TABLE) -> None:
    """Print the versions of this command and of the server it talks to."""
    from skerry.cli.version import here, mismatch

    console = Console()
    try:
        server = connect().get("/healthz").get("version")
    except SkerryError:
        server = None
    view: VersionView = {"version": here(), "server": server}
    console.data(
        view,
        output,
        lambda: [(Piece(f"skerry {view['version']}, server {view['server'] or 'none'}"),)],
    )
    if said := mismatch(server):
        console.warn(said)


def _checks(doors: Doors, console: Console) -> "ChecksView":
    try:
        view: ChecksView = connect().get("/v1/doctor")
        return view
    except ServerUnavailable as error:
        for said in log_tail(state_folder() / "server.log")[-5:]:
            console.say(Piece(f"  server.log | {clean(said)}", "dim"))
        lacks: CheckView = {
            "name": "server",
            "ok": False,
            "message": error.cause,
            "hint": error.hint,
            "stops": False,  # services and gateway go on without it
        }
        return {"checks": [lacks, *doors.checks()]}
