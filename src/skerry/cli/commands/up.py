"""`skerry up`: from a folder to running services, whatever is still missing on the way."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from skerry.cli.connection import Door
from skerry.cli.console import Console, Format
from skerry.cli.deploying import apply_now, apply_plans, plans_lines, show_unchanged
from skerry.cli.images import ensure_built
from skerry.cli.launch import ensure_server
from skerry.cli.options import Cells, Detach, Folder, Only, Output
from skerry.cli.repository import Prepared, prepare
from skerry.cli.session import is_direct, open_session
from skerry.cli.version import mismatch
from skerry.report.lines import Piece

if TYPE_CHECKING:
    from skerry.report.shapes import PlansView


def up(
    path: Folder = Path(),
    *,
    only: Only = None,
    cell: Cells = None,
    detach: Detach = False,
    output: Output = Format.TABLE,
) -> None:
    """Bring a folder's services up, and print where they are found.

    Starts the server in the background if none runs, builds the images of `build:`
    folders that are not there yet, applies what the documents say, and waits until every
    service takes traffic. A second run changes nothing and says so. Documents that declare
    Kubernetes cells only need no server: none is started.
    """
    console = Console()
    prepared = prepare(path, only, cells=cell)
    door = _door(console, prepared)
    how = {"detach": detach}
    if prepared.contexts:
        plans: PlansView = door.send("POST", "/v1/plan", {**prepared.request, "objects": False})
        ensure_built(door, prepared.contexts, console)
        console.say_lines(plans_lines(plans["plans"], diffs=False))
        if any(each["changes"] for each in plans["plans"]):
            apply_plans(door, prepared, plans, form=output, how=how)
        else:
            show_unchanged(door, prepared, plans, form=output)
    else:
        apply_now(door, prepared, form=output, how=how, diffs=False)
    if not output.machine and prepared.names:
        _say_next(console, path, prepared)


def _door(console: Console, prepared: Prepared) -> Door:
    if prepared.cells and is_direct(prepared.cells):
        return open_session(console, prepared.cells)
    server = ensure_server(console)
    if said := mismatch(server.target.version or server.get("/healthz").get("version")):
        console.warn(said)
    return server


def _say_next(console: Console, path: Path, prepared: Prepared) -> None:
    where, name = "" if path == Path() else f" {os.fspath(path)}", prepared.names[0]
    machine = not prepared.cells or any(engine == "local" for _, engine in prepared.cells)
    trust = (("skerry trust", "https without warnings"),) if machine else ()
    hints = (
        ("skerry status", "how everything is"),
        (f"skerry logs {name} -f", "what it says"),
        (f"skerry plan{where}", "what a changed document would do"),
        *trust,
        (f"skerry down {os.fspath(path)}", "remove it again"),
    )
    width = max(len(command) for command, _ in hints)
    for command, what in hints:
        console.say(Piece("  next: ", "dim"), f"{command:<{width}}  ", Piece(what, "dim"))
