"""`skerry verify`: what is not as it was applied."""

from typing import TYPE_CHECKING

import typer

from skerry.cli.cells import end_with
from skerry.cli.codes import CHANGES
from skerry.cli.console import Console, Format
from skerry.cli.options import Cells, Output
from skerry.cli.session import open_session
from skerry.report.tables import findings_table

if TYPE_CHECKING:
    from skerry.report.shapes import FindingsView


def verify(*, cell: Cells = None, output: Output = Format.TABLE) -> None:
    """Compare every object in the cells, and every field Skerry set, with what was applied.

    Finds what somebody changed or removed, and what is left over. Repairs nothing: the next
    `skerry apply` does. The exit code is 3 when anything was found, 1 when a cell does not
    answer.
    """
    console = Console()
    door = open_session(console)
    view: FindingsView = door.get("/v1/verify", cell=cell or ())
    several = len({each["cell"] for each in view["findings"]}) > 1 or len(cell or ()) != 1
    if view["findings"] or output.machine:
        console.data(view, output, lambda: findings_table(view, cells=several))
    else:
        console.say("every object is as it was applied")
    end_with(console, view["unreachable"])
    if view["findings"]:
        raise typer.Exit(CHANGES)
