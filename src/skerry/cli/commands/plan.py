"""`skerry plan` and `skerry apply`: the same request; one shows, the other does."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skerry.cli.cells import end_with
from skerry.cli.codes import CHANGES, FAILED
from skerry.cli.console import Console, Format
from skerry.cli.deploying import apply_now, apply_plans, plans_lines, say_unplanned, show_unchanged
from skerry.cli.images import ensure_built
from skerry.cli.options import Cells, Detach, Folder, Only, Output, TakeOver
from skerry.cli.repository import prepare
from skerry.cli.session import open_session

if TYPE_CHECKING:
    from skerry.report.shapes import PlansView


def plan(
    path: Folder = Path(),
    *,
    only: Only = None,
    cell: Cells = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="exit with 3 when there are changes")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show what `skerry apply` would change, each change with its reason and its diff.

    Nothing is changed and nothing is built. With several cells there is a plan for each; one
    that does not answer is named, and the exit code is 1. `-o yaml` prints every compiled
    object, ready for `kubectl apply -f -` (name a --cell where there are several); `-o json`
    prints the plans.
    """
    console = Console()
    prepared = prepare(path, only, cells=cell)
    door = open_session(console, prepared.cells)
    body = {**prepared.request, "objects": output is Format.YAML}
    view: PlansView = door.send("POST", "/v1/plan", body)
    if output is Format.YAML:
        _print_objects([each for plan in view["plans"] for each in plan.get("objects", [])])
    else:
        console.data(view, output, lambda: plans_lines(view["plans"]))
    end_with(console, view["unreachable"])
    if exit_code and any(each["changes"] for each in view["plans"]):
        raise typer.Exit(CHANGES)


def apply(
    path: Folder = Path(),
    *,
    only: Only = None,
    cell: Cells = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    take_over: TakeOver = False,
    detach: Detach = False,
    output: Output = Format.TABLE,
) -> None:
    """Show the plan, ask, and do exactly that, in every cell at once.

    If the plan has changed by the time you answer, nothing is done and the answer says so.
    Without a terminal to ask on, `--yes` is needed. A cell that fails or does not answer
    holds up no other: it is named at the end, and the exit code is 1.
    """
    console = Console()
    if not yes and not console.interactive:
        raise typer.BadParameter("there is no terminal to ask on: add --yes, or see skerry plan")
    prepared = prepare(path, only, cells=cell)
    door = open_session(console, prepared.cells)
    how = {"detach": detach, "take_over": take_over}
    if yes and not prepared.contexts:
        apply_now(door, prepared, form=output, how=how)
        return
    view: PlansView = door.send("POST", "/v1/plan", {**prepared.request, "objects": False})
    console.say_lines(plans_lines(view["plans"]))
    if not any(each["changes"] for each in view["plans"]):
        show_unchanged(door, prepared, view, form=output)
        return
    say_unplanned(console, view)
    if not yes and not console.ask("Apply this?"):
        console.say("nothing was changed")
        raise typer.Exit(FAILED)
    ensure_built(door, prepared.contexts, console)
    apply_plans(door, prepared, view, form=output, how=how)


def _print_objects(objects: Sequence[Any]) -> None:
    import yaml

    print(yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True), end="")
