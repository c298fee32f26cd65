"""`skerry server` and what is done to a running one."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from skerry.cli.app import Doors
from skerry.cli.console import Console, Format
from skerry.cli.launch import wait_until_gone
from skerry.cli.options import Output
from skerry.cli.session import open_session
from skerry.errors import ServerUnavailable
from skerry.report.tables import audit_table

if TYPE_CHECKING:
    from skerry.report.shapes import AuditsView


def server(context: typer.Context) -> None:
    """Run the server in the foreground, until Ctrl-C or `skerry server stop`.

    Services and the gateway go on without it, and the next server takes them up again.
    Its settings are environment variables: see docs/reference/settings.md.
    """
    if context.invoked_subcommand is None:
        doors: Doors = context.find_object(Doors) or context.obj
        doors.serve()


def stop() -> None:
    """Stop the server. Services and the gateway go on; nobody heals or scales them."""
    console = Console()
    running = open_session(console)
    running.send("POST", "/v1/stop", {"gateway": False})
    running.close()
    if not running.target.remote and not wait_until_gone(running.target.pid):
        raise ServerUnavailable(
            "still runs a minute after it was told to stop",
            subject=f"process {running.target.pid}",
            hint="skerry doctor",
        )
    console.say("the server has stopped; services go on; skerry up starts it again")


def upgrade_gateway() -> None:
    """Replace the gateway's process by a new one; no connection is refused or cut."""
    console = Console()
    answer: Any = open_session(console).send("POST", "/v1/gateway/upgrade", {})
    said = answer.get("gateway", "") if isinstance(answer, dict) else ""
    console.say(f"the gateway was replaced{f': {said}' if said else ''}")


def audit(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="how many of the newest")] = 50,
    output: Output = Format.TABLE,
) -> None:
    """Print every change somebody asked for, allowed or refused, newest first."""
    console = Console()
    view: AuditsView = open_session(console).get("/v1/audit", limit=limit)
    console.data(view, output, lambda: audit_table(view))
