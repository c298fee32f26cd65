"""Waiting for an operation: its progress, its end, and leaving it alone on Ctrl-C."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import typer

from skerry.cli.codes import FAILED, INTERRUPTED
from skerry.cli.connection import Server
from skerry.cli.console import Console, Format
from skerry.cli.failures import as_error
from skerry.cli.progress import Display, display
from skerry.clock import SystemClock
from skerry.errors import DeployFailed, ServerUnavailable, SkerryError
from skerry.report.lines import name_of, url_lines

if TYPE_CHECKING:
    from skerry.report.shapes import OperationView, ResultView, ServiceView

SILENCE_SECONDS: Final = 45.0  # an operation says something at least every ten
REACH_SECONDS: Final = 60.0  # how long a server may be away in the middle of an operation


def follow(server: Server, operation: "OperationView", console: Console) -> "OperationView":
    """The operation as it ended. Raises what made it fail; exits with 130 on Ctrl-C, after
    saying that the operation goes on."""
    try:
        with display(console) as shown:
            ended, error = _events(server, operation["id"], shown)
    except KeyboardInterrupt:
        detached(operation, console)
        raise typer.Exit(INTERRUPTED) from None
    if ended["state"] == "failed":
        raise error or DeployFailed(
            ended["error"], subject=ended["subject"], hint=ended["hint"] or _hint(ended)
        )
    return ended


def detached(operation: "OperationView", console: Console) -> None:
    """Say that the operation goes on, and how to see it."""
    console.say(
        f"operation {operation['id']} goes on without this command; "
        f"attach again: skerry operations {operation['id']}"
    )


def finish(
    server: Server,
    operation: "OperationView",
    *,
    form: Format,
    services: Callable[[], Sequence["ServiceView"]],
    detach: bool = False,
) -> None:
    """Wait (unless detached), then print the result: services as they are now, or for a
    program a ResultView, also when the operation failed. Raises what made it fail."""
    console = Console()
    failed: SkerryError | None = None
    if detach:
        detached(operation, console)
    else:
        try:
            operation = follow(server, operation, console)
        except SkerryError as error:
            failed = error
            operation = server.get(f"/v1/operations/{quote(operation['id'])}")
    if failed is None or form.machine:
        shown = list(services())
        result: ResultView = {"operation": operation, "services": shown}
        console.data(result, form, lambda: url_lines(shown))
    if failed is not None:
        console.error(failed)
        raise typer.Exit(FAILED)


def services_named(server: Server, names: Sequence[str]) -> list["ServiceView"]:
    """These services as they are now; those that are gone are left out."""
    every: list[ServiceView] = server.get("/v1/status")["services"]
    return [each for each in every if name_of(each) in names]


def _events(
    server: Server, operation: str, shown: Display
) -> tuple["OperationView", SkerryError | None]:
    clock = SystemClock()
    after, away_since = "", None
    trouble: SkerryError | None = None
    while True:
        path = f"/v1/operations/{quote(operation)}/events"
        try:
            for event in server.stream(path, after=after, silence_seconds=SILENCE_SECONDS):
                after = event.id or after
                if event.name == "progress":
                    away_since = None
                    if event.data["service"] or event.data["stage"] != "failed":
                        shown.show(event.data)  # the whole's failure is the error printed last
                elif event.name == "end":
                    return _ended(event.data)
                elif event.name == "error":
                    trouble = as_error(event.data["error"])
        except ServerUnavailable as error:
            trouble = error
        if away_since is not None and clock.monotonic() - away_since > REACH_SECONDS:
            raise trouble or ServerUnavailable("ends every answer early", subject="server")
        if away_since is None:
            away_since = clock.monotonic()
            shown.note("the server is away; the operation goes on when it is back")
        time.sleep(0.5)


def _ended(data: dict[str, Any]) -> tuple["OperationView", SkerryError | None]:
    ended: Any = data.get("operation") or data
    body = data.get("failure")
    return ended, as_error(body) if body else None


def _hint(operation: "OperationView") -> str:
    return f"skerry operations {operation['id']}"
