"""`skerry plan` and `skerry apply`: the same request; one shows, the other does."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skerry.cli.codes import CHANGES
from skerry.cli.console import Console, Format
from skerry.cli.deploying import apply_plan, show_unchanged
from skerry.cli.images import ensure_built
from skerry.cli.options import Detach, Folder, Only, Output
from skerry.cli.repository import prepare
from skerry.cli.session import open_session
from skerry.report.lines import plan_lines

if TYPE_CHECKING:
    from skerry.report.shapes import PlanView


def plan(
    path: Folder = Path(),
    *,
    only: Only = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="exit with 3 when there are changes")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show what `skerry apply` would change, each change with its reason and its diff.

    Nothing is changed and nothing is built. `-o yaml` prints every compiled object, ready
    for `kubectl apply -f -`; `-o json` prints the plan.
    """
    console = Console()
    prepared = prepare(path, only)
    server = open_session(console)
    body = {**prepared.request, "objects": output is Format.YAML}
    view: PlanView = server.send("POST", "/v1/plan", body)
    if output is Format.YAML:
        _print_objects(view.get("objects", []))
    else:
        console.data(view, output, lambda: plan_lines(view))
    if exit_code and view["changes"]:
        raise typer.Exit(CHANGES)


def apply(
    path: Folder = Path(),
    *,
    only: Only = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    detach: Detach = False,
    output: Output = Format.TABLE,
) -> None:
    """Show the plan, ask, and do exactly that.

    If the plan has changed by the time you answer, nothing is done and the answer says so.
    Without a terminal to ask on, `--yes` is needed.
    """
    console = Console()
    if not yes and not console.interactive:
        raise typer.BadParameter("there is no terminal to ask on: add --yes, or see skerry plan")
    prepared = prepare(path, only)
    server = open_session(console)
    view: PlanView = server.send("POST", "/v1/plan", {**prepared.request, "objects": False})
    console.say_lines(plan_lines(view))
    if not view["changes"]:
        show_unchanged(server, prepared.names, output)
        return
    if not yes and not console.ask("Apply this?"):
        console.say("nothing was changed")
        raise typer.Exit(1)
    ensure_built(server, prepared.contexts, console)
    apply_plan(server, prepared, view, form=output, detach=detach)


def _print_objects(objects: Sequence[Any]) -> None:
    import yaml

    print(yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True), end="")
