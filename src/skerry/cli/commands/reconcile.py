"""`skerry reconcile`: a server that keeps its cells as a repository says."""

from typing import TYPE_CHECKING

import typer

from skerry.cli.console import Console, Format
from skerry.cli.options import Output
from skerry.cli.session import open_session
from skerry.clock import SystemClock
from skerry.report.reconcile_table import reconcile_table

if TYPE_CHECKING:
    from skerry.report.reconciling import ReconcileView


def reconcile(context: typer.Context, output: Output = Format.TABLE) -> None:
    """Print which commit each cell is at, what drifted and was repaired, what was left alone,
    and everything that is wrong, with what is tried again and when.

    The server follows the repository in SKERRY_REPOSITORY: see docs/continuous.md.
    """
    if context.invoked_subcommand is not None:
        return
    console = Console()
    view: ReconcileView = open_session(console).get("/v1/reconcile")
    wide = output is Format.WIDE
    console.data(view, output, lambda: reconcile_table(view, now=SystemClock().now(), wide=wide))


def now() -> None:
    """Look at the repository now, and at every object of every cell."""
    console = Console()
    open_session(console).send("POST", "/v1/reconcile", {})
    console.say("looking; see what comes of it: skerry reconcile")
