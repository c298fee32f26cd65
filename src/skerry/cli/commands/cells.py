"""`skerry cells`: where services run, and how each place is."""

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from skerry.cli.codes import FAILED
from skerry.cli.completion import complete_cells
from skerry.cli.console import Console, Format
from skerry.cli.options import Output
from skerry.cli.session import open_session
from skerry.report.tables import cells_table

if TYPE_CHECKING:
    from skerry.report.shapes import CellsView


def cells(context: typer.Context, output: Output = Format.TABLE) -> None:
    """List every cell: its engine and version, where it is, what it offers, what runs there.

    A cell is known from the first apply of its document on. One that does not answer is
    listed with why, and the exit code is 1.
    """
    if context.invoked_subcommand is not None:
        return
    console = Console()
    view: CellsView = open_session(console).get("/v1/cells")
    console.data(view, output, lambda: cells_table(view, wide=output is Format.WIDE))
    if not all(each["reachable"] for each in view["cells"]):
        raise typer.Exit(FAILED)


def forget(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="which cell", autocompletion=complete_cells)
    ],
) -> None:
    """Know a cell no more. Nothing in it changes: run `skerry down --cell NAME` first to remove
    what runs there. A document that declares it brings it back."""
    console = Console()
    open_session(console).send("DELETE", f"/v1/cells/{quote(name, safe='')}")
    console.say(f"forgotten: {name}; what runs there goes on")
