"""Waiting for operations: their progress, their ends, and leaving them alone on Ctrl-C."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import typer

from skerry.cli.cells import Answer, say_failures, say_summary
from skerry.cli.codes import FAILED, INTERRUPTED
from skerry.cli.connection import Door
from skerry.cli.console import Console, Format
from skerry.cli.failures import as_error
from skerry.cli.progress import Display, display
from skerry.clock import SystemClock
from skerry.errors import DeployFailed, ServerUnavailable, SkerryError
from skerry.report.lines import name_of, url_lines

if TYPE_CHECKING:
    from skerry.report.shapes import OperationView, ProgressView, ResultView, ServiceView

SILENCE_SECONDS: Final = 45.0  # an operation says something at least every ten
REACH_SECONDS: Final = 60.0  # how long a server may be away in the middle of an operation
FEW: Final = 4
ROLLOUTS: Final = frozenset({"rollout", "stack-rollback"})  # operations `skerry resume` takes up


@dataclass(frozen=True, slots=True)
class Ended:
    """How an operation ended, and what made it fail."""

    operation: "OperationView"
    error: SkerryError | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What an operation said on the way, in which cell; or a line of our own."""

    cell: str
    what: "ProgressView | str"


def finish(
    door: Door,
    started: Answer,
    *,
    form: Format,
    services: Callable[[], Sequence["ServiceView"]],
    detach: bool = False,
) -> None:
    """Wait (unless detached), then print the result: services as they are now, or for a
    program a ResultView, also when an operation failed. Says what failed, cell by cell, and
    exits with 1."""
    console = Console()
    operations, unreachable = started["operations"], started["unreachable"]
    if detach and door.lasting:
        ends = [Ended(each) for each in operations]
        for operation in operations:
            detached(operation, console)
    else:
        ends = follow(door, operations, console)
    failed = [each for each in ends if each.error is not None]
    if len(failed) < len(ends) or (not ends and not unreachable) or form.machine:
        shown = list(services())
        result: ResultView = {
            "operation": ends[0].operation if len(ends) == 1 else None,
            "operations": [each.operation for each in ends],
            "services": shown,
            "unreachable": unreachable,
        }
        console.data(result, form, lambda: url_lines(shown))
    for each in failed:
        assert each.error is not None
        console.error(each.error)
    say_failures(console, unreachable)
    if len(ends) + len(unreachable) > 1 and (failed or unreachable):
        done = [each.operation["cell"] for each in ends if each.error is None]
        bad = [each.operation["cell"] for each in failed]
        say_summary(console, done=done, failed=bad, unreachable=unreachable)
    if failed or unreachable:
        raise typer.Exit(FAILED)


def follow(door: Door, operations: Sequence["OperationView"], console: Console) -> list[Ended]:
    """All of them to their ends, at once. Exits with 130 on Ctrl-C, after saying what becomes
    of them."""
    several = len({each["cell"] for each in operations}) > 1
    ends: dict[str, Ended] = {}
    try:
        with display(console) as shown:
            for each in _together(door, operations):
                if isinstance(each, Ended):
                    ends[each.operation["id"]] = each
                else:
                    _show(shown, each, cell=each.cell if several else "")
    except KeyboardInterrupt:
        for operation in operations:
            if operation["id"] not in ends:
                (detached if door.lasting else _left)(operation, console)
        raise typer.Exit(INTERRUPTED) from None
    return [ends[each["id"]] for each in operations]


def detached(operation: "OperationView", console: Console) -> None:
    """Say that the operation goes on, and how to see it."""
    console.say(
        f"operation {operation['id']} goes on without this command; "
        f"attach again: skerry operations {operation['id']}"
    )


def services_named(
    door: Door, names: Sequence[str], cells: Sequence[str] = ()
) -> list["ServiceView"]:
    """These services as they are now; those that are gone are left out. A few are asked for one
    by one: there may be ten thousand others."""
    if len(names) > FEW:
        every: list[ServiceView] = door.get("/v1/status", cell=cells)["services"]
        return [each for each in every if name_of(each) in names]
    found: list[ServiceView] = []
    for name in names:
        namespace, _, bare = name.rpartition("/")
        asked = {"namespace": namespace or "default", "name": bare}
        found += door.get("/v1/status", cell=cells, **asked)["services"]
    return found


def _left(operation: "OperationView", console: Console) -> None:
    where = f" in {operation['cell']}" if operation["cell"] else ""
    if operation["kind"] in ROLLOUTS:
        stack = operation["subject"].removeprefix("stack/").partition("@")[0]
        console.say(f"the roll-out{where} was left as it is; go on: skerry resume {stack}")
        return
    console.say(
        f"{operation['kind']}{where} was left as it is: run the same command again, and it is "
        f"finished or undone"
    )


def _show(shown: Display, said: Said, *, cell: str) -> None:
    if isinstance(said.what, str):
        shown.note(f"{cell}: {said.what}" if cell else said.what)
    else:
        shown.show(said.what, cell=cell)


def _together(door: Door, operations: Sequence["OperationView"]) -> Iterator[Said | Ended]:
    """What all of them say, as it comes; each ends with an `Ended`."""
    if len(operations) == 1:
        yield from _one(door, operations[0])
        return
    came: queue.Queue[Said | Ended | BaseException] = queue.Queue()

    def carry(operation: "OperationView") -> None:
        try:
            for each in _one(door, operation):
                came.put(each)
        except BaseException as error:  # raised again where it is waited for
            came.put(error)

    for operation in operations:
        threading.Thread(target=carry, args=(operation,), daemon=True).start()
    left = len(operations)
    while left:
        each = came.get()
        if isinstance(each, BaseException):
            raise each
        left -= isinstance(each, Ended)
        yield each


def _one(door: Door, operation: "OperationView") -> Iterator[Said | Ended]:
    cell = operation["cell"]
    try:
        for said in _events(door, operation["id"]):
            if isinstance(said, Ended):
                yield _judged(said)
                return
            yield Said(cell, said)
    except SkerryError as error:
        yield Ended(operation, error)


def _judged(end: Ended) -> Ended:
    view = end.operation
    if view["state"] != "failed" or end.error is not None:
        return end
    hint = view["hint"] or f"skerry operations {view['id']}"
    return Ended(view, DeployFailed(view["error"], subject=view["subject"], hint=hint))


def _events(door: Door, operation: str) -> Iterator["ProgressView | str | Ended"]:
    clock = SystemClock()
    after, away_since = "", None
    trouble: SkerryError | None = None
    while True:
        path = f"/v1/operations/{quote(operation)}/events"
        try:
            for event in door.stream(path, after=after, silence_seconds=SILENCE_SECONDS):
                after = event.id or after
                if event.name == "progress":
                    away_since = None
                    if event.data["service"] or event.data["stage"] != "failed":
                        yield event.data  # the whole's failure is the error printed last
                elif event.name == "end":
                    yield _ended(event.data)
                    return
                elif event.name == "error":
                    trouble = as_error(event.data["error"])
        except ServerUnavailable as error:
            trouble = error
        if away_since is not None and clock.monotonic() - away_since > REACH_SECONDS:
            raise trouble or ServerUnavailable("ends every answer early", subject="server")
        if away_since is None:
            away_since = clock.monotonic()
            yield "the server is away; the operation goes on when it is back"
        time.sleep(0.5)


def _ended(data: dict[str, Any]) -> Ended:
    ended: Any = data.get("operation") or data
    body = data.get("failure")
    return Ended(ended, as_error(body) if body else None)
