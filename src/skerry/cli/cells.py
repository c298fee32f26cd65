"""Answers of several cells: what is said of those that did not, and how a command ends."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import typer

from skerry.cli.codes import FAILED
from skerry.cli.console import Console
from skerry.cli.failures import as_error
from skerry.report.lines import Piece

if TYPE_CHECKING:
    from skerry.report.shapes import CellFailureView, OperationView


class Answer(TypedDict):
    """What was begun, and where nothing was."""

    operations: "list[OperationView]"
    unreachable: "list[CellFailureView]"


def say_failures(console: Console, failures: Sequence["CellFailureView"]) -> None:
    """Each cell that did not do what the others did, and the command that helps."""
    for each in failures:
        error = as_error(each["error"])
        if each["cell"] not in error.subject:
            error.subject = f"{each['cell']}: {error.subject}" if error.subject else each["cell"]
        console.error(error)


def say_summary(
    console: Console,
    *,
    done: Sequence[str],
    failed: Sequence[str],
    unreachable: Sequence["CellFailureView"],
) -> None:
    """`done in eu-1, us-1; failed in eu-2`."""
    bad = sorted({*failed, *(each["cell"] for each in unreachable)})
    good = f"done in {', '.join(sorted(done))}; " if done else ""
    console.say(good, Piece(f"failed in {', '.join(bad)}", "bad"))


def end_with(console: Console, failures: Sequence["CellFailureView"]) -> None:
    """Say what failed, and exit with 1; nothing where nothing did."""
    say_failures(console, failures)
    if failures:
        raise typer.Exit(FAILED)


def silent_cells(status: Any) -> list["CellFailureView"]:
    """The cells a status says did not answer."""
    return [
        {
            "cell": each["cell"],
            "reason": each["reason"],
            "error": {
                "code": "engine_unavailable",
                "subject": "",
                "cause": each["reason"].removeprefix(f"cell/{each['cell']}: "),
                "hint": "skerry cells",
            },
        }
        for each in status["cells"]
        if not each["reachable"]
    ]
