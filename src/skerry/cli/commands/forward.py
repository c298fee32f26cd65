"""`skerry forward`: a port of a service on this machine."""

from typing import Annotated

import typer

from skerry.cli.connection import service_path
from skerry.cli.console import Console
from skerry.cli.forwarding import LOOPBACK, Wanted, listen, serve
from skerry.cli.options import OneCell, ServiceName
from skerry.cli.session import open_session, suggesting

LAST_PORT = 65535


def forward(
    name: ServiceName,
    ports: Annotated[
        str,
        typer.Argument(metavar="[LOCAL:]PORT", help="the service's port, and this machine's"),
    ],
    *,
    replica: Annotated[str | None, typer.Option(help="of this replica; any without it")] = None,
    cell: OneCell = None,
) -> None:
    """Reach a port of a service from this machine, as long as this command runs.

    Listens on loopback alone, at the same port unless told another (0: any free one), and
    prints where. Each connection goes to a running replica, past gateway and walls.
    """
    local, port = _ports(ports)
    console = Console()
    door = open_session(console)
    with suggesting(door, name):
        door.get(service_path(name, cells=[cell] if cell else ()))
    wanted = Wanted(name=name, port=port, cell=cell, replica=replica)
    with listen(local, wanted=wanted) as listener:
        print(f"{LOOPBACK}:{listener.getsockname()[1]}", flush=True)
        console.say(f"leads to port {port} of {name}; Ctrl-C ends it")
        serve(listener, door, wanted, failed=console.error)


def _ports(written: str) -> tuple[int, int]:
    """`"8080"` -> (8080, 8080), `"0:5432"` -> (0, 5432)."""
    local, colon, port = written.partition(":")
    if not colon:
        port = local
    if local.isdecimal() and port.isdecimal() and int(local) <= LAST_PORT >= int(port) > 0:
        return int(local), int(port)
    raise typer.BadParameter(f"{written!r} should be a port, or two: 8080, 18080:8080")
