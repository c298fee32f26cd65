"""What the commands about a stack's roll-out share: begun in each cell, waited for, shown."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import typer

from skerry.cli.cells import Answer, end_with, say_failures
from skerry.cli.codes import FAILED
from skerry.cli.connection import Door
from skerry.cli.console import Console, Format
from skerry.cli.follow import detached, follow
from skerry.cli.repository import Prepared, prepare
from skerry.clock import SystemClock
from skerry.errors import Refused
from skerry.report.rollouts import rollout_lines, rollouts_table

if TYPE_CHECKING:
    from skerry.report.rollout_shapes import RolloutsView

ROLLOUTS: Final = "/v1/rollouts"


def rollout_path(stack: str, verb: str, cells: Sequence[str] | None = None) -> str:
    """Where a stack's roll-out is changed, in these cells."""
    query = "&".join(f"cell={quote(each, safe='')}" for each in cells or ())
    return f"{ROLLOUTS}/{quote(stack, safe='')}/{verb}" + (f"?{query}" if query else "")


def documents(file: str, cells: Sequence[str] | None) -> Prepared:
    """The repository a roll-out is begun with. Raises Refused where images are yet to be built."""
    prepared = prepare(Path(file or "."), cells=cells)
    if prepared.contexts:
        raise Refused(
            "has a build: folder, and a version comes from a registry",
            subject=f"repository/{prepared.name}",
            hint="write image: in the stack's template, as acme/app:{version}",
        )
    return prepared


def finish_rollout(
    door: Door, stack: str, started: Answer, *, form: Format, detach: bool = False
) -> None:
    """Wait (unless detached), then print how the roll-outs stand. Says what failed, cell by
    cell, and exits with 1."""
    console = Console()
    operations, unreachable = started["operations"], started["unreachable"]
    if detach:
        for operation in operations:
            detached(operation, console)
        end_with(console, unreachable)
        return
    ends = follow(door, operations, console)
    cells = [each["cell"] for each in operations if each["cell"]]
    view: RolloutsView = door.get(ROLLOUTS, stack=stack, cell=cells)
    show_rollouts(console, view, form)
    failed = [each.error for each in ends if each.error is not None]
    for error in failed:
        console.error(error)
    say_failures(console, unreachable)
    if failed or unreachable:
        raise typer.Exit(FAILED)


def show_rollouts(
    console: Console, view: "RolloutsView", form: Format, *, whole: bool = False
) -> None:
    """As a table; `whole` each in full."""
    now = SystemClock().now()

    def lines() -> Any:
        if not whole:
            yield from rollouts_table(view, now=now, wide=form is Format.WIDE)
            return
        for each in view["rollouts"]:
            yield from rollout_lines(each, now=now)

    console.data(view, form, lines)


def lasting(door: Door, detach: bool) -> bool:
    """Whether to leave it to a server. Raises Refused where there is none to leave it to."""
    if detach and not door.lasting:
        raise Refused(
            "no server would carry it on: this command does, while it runs",
            subject="--detach",
            hint="leave it out, or use a server: SKERRY_SERVER",
        )
    return detach
