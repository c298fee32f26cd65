"""`skerry up`: from a folder to running services, whatever is still missing on the way."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from skerry.cli.console import Console, Format
from skerry.cli.deploying import apply_plan, show_unchanged
from skerry.cli.images import ensure_built
from skerry.cli.launch import ensure_server
from skerry.cli.options import Detach, Folder, Only, Output
from skerry.cli.repository import prepare
from skerry.cli.version import mismatch
from skerry.report.lines import Piece, plan_lines

if TYPE_CHECKING:
    from skerry.report.shapes import PlanView


def up(
    path: Folder = Path(),
    *,
    only: Only = None,
    detach: Detach = False,
    output: Output = Format.TABLE,
) -> None:
    """Bring a folder's services up, and print where they are found.

    Starts the server in the background if none runs, builds the images of `build:`
    folders that are not there yet, applies what the documents say, and waits until every
    service takes traffic. A second run changes nothing and says so.
    """
    console = Console()
    prepared = prepare(path, only)
    server = ensure_server(console)
    if said := mismatch(server.target.version or server.get("/healthz").get("version")):
        console.warn(said)
    plan: PlanView = server.send("POST", "/v1/plan", {**prepared.request, "objects": False})
    ensure_built(server, prepared.contexts, console)
    console.say_lines(plan_lines(plan, diffs=False))
    if plan["changes"]:
        apply_plan(server, prepared, plan, form=output, detach=detach)
    else:
        show_unchanged(server, prepared.names, output)
    if not output.machine and prepared.names:
        _say_next(console, path, prepared.names[0])


def _say_next(console: Console, path: Path, name: str) -> None:
    where = "" if path == Path() else f" {os.fspath(path)}"
    hints = (
        ("skerry status", "how everything is"),
        (f"skerry logs {name} -f", "what it says"),
        (f"skerry plan{where}", "what a changed document would do"),
        ("skerry trust", "https without warnings"),
        (f"skerry down {os.fspath(path)}", "remove it again"),
    )
    width = max(len(command) for command, _ in hints)
    for command, what in hints:
        console.say(Piece("  next: ", "dim"), f"{command:<{width}}  ", Piece(what, "dim"))
