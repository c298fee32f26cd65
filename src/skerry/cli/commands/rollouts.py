"""`rollouts`, `resume`, `abort`: a stack's roll-out looked at, gone on with, stopped."""

from typing import TYPE_CHECKING, Annotated

import typer

from skerry.cli.cells import end_with
from skerry.cli.console import Console, Format
from skerry.cli.options import Cells, Detach, Output
from skerry.cli.rolling import (
    ROLLOUTS,
    documents,
    finish_rollout,
    lasting,
    rollout_path,
    show_rollouts,
)
from skerry.cli.session import open_session

if TYPE_CHECKING:
    from skerry.report.rollout_shapes import RolloutsView

Stack = Annotated[str, typer.Argument(metavar="STACK", help="the stack's name")]
File = Annotated[
    str,
    typer.Option("--file", metavar="PATH", help="the repository's folder; this folder without it"),
]


def rollouts(
    stack: Annotated[
        str, typer.Argument(metavar="[STACK]", help="only this stack's, in full")
    ] = "",
    *,
    cell: Cells = None,
    output: Output = Format.TABLE,
) -> None:
    """List the last roll-out of every stack in each cell, or show one stack's in full."""
    console = Console()
    door = open_session(console)
    view: RolloutsView = door.get(ROLLOUTS, stack=stack or None, cell=cell or ())
    show_rollouts(console, view, output, whole=bool(stack and view["rollouts"]))
    if stack and not view["rollouts"] and not output.machine:
        console.say(f"{stack} was never rolled out in waves")
    end_with(console, view["unreachable"])


def resume(
    stack: Stack,
    *,
    file: File = "",
    cell: Cells = None,
    detach: Detach = False,
    output: Output = Format.TABLE,
) -> None:
    """Go on with a roll-out that halted, was aborted, or lost the command that carried it.

    Tenants that are done stay as they are; those that failed are tried again; the next waves
    follow. Needs the documents it was begun with.
    """
    prepared = documents(file, cell)
    door = open_session(Console(), prepared.cells)
    detach = lasting(door, detach)
    body = {"sources": prepared.request["sources"], "cells": list(cell or ())}
    started = door.send("POST", rollout_path(stack, "resume"), body)
    finish_rollout(door, stack, started, form=output, detach=detach)


def abort(
    stack: Stack,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="take back what was done, too")] = False,
    cell: Cells = None,
    detach: Detach = False,
    output: Output = Format.TABLE,
) -> None:
    """Stop a roll-out: the wave under way is seen to its end, and no other begins.

    Tenants that are done stay at the new version, unless `--undo`. Needs no files, and works
    from anywhere: whoever carries the roll-out is asked to stop.
    """
    door = open_session(Console())
    detach = lasting(door, detach)
    started = door.send("POST", rollout_path(stack, "abort", cell), {"undo": undo})
    finish_rollout(door, stack, started, form=output, detach=detach)
