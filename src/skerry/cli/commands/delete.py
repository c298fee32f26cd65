"""`skerry delete NAME`: one service goes, by hand."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from skerry.cli.connection import Door, service_path
from skerry.cli.console import Console, Format
from skerry.cli.follow import finish
from skerry.cli.looking import look
from skerry.cli.options import Cells, Detach, Output, ServiceName
from skerry.cli.session import open_session, suggesting

if TYPE_CHECKING:
    from skerry.report.shapes import VolumeView


def delete(
    name: ServiceName,
    *,
    volumes: Annotated[
        bool, typer.Option("--volumes", help="remove its volumes, and the data in them, too")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    cell: Cells = None,
    detach: Detach = False,
    output: Output = Format.TABLE,
) -> None:
    """Remove one service from every cell it is in, whatever its repository says.

    Its replicas finish the work they have and go. Volumes are kept unless `--volumes` is
    given, and named; its releases stay in `skerry history NAME`. The next apply of a
    repository that still declares it brings it back: to remove it for good, remove its
    document and apply. Without a terminal to ask on, `--yes` is needed.
    """
    console = Console()
    if not yes and not console.interactive:
        raise typer.BadParameter("there is no terminal to ask on: add --yes")
    server = open_session(console)
    bare = name.removeprefix("default/")
    found = _volumes(server, bare, cell)
    if not found:
        look(server, name, cell)
    if not yes and not console.ask(_question(bare, found, volumes=volumes)):
        console.say("nothing was changed")
        raise typer.Exit(1)
    path = service_path(name, cells=cell or ())
    if volumes:
        path += f"{'&' if '?' in path else '?'}volumes=true"
    with suggesting(server, name):
        started = server.send("DELETE", path)
    finish(server, started, form=output, services=lambda: (), detach=detach)
    if found and not volumes:
        kept = ", ".join(f"volume {each['name']}" for each in found)
        console.say(f"kept: {kept}; remove: skerry delete {bare} --volumes")


def _volumes(server: Door, name: str, cells: Sequence[str] | None) -> list["VolumeView"]:
    every: list[VolumeView] = server.get("/v1/volumes", cell=cells)["volumes"]
    return [each for each in every if each["service"] == name]


def _question(name: str, found: list["VolumeView"], *, volumes: bool) -> str:
    if not found:
        return f"Delete {name}?"
    count = f"{len(found)} volume{'s' if len(found) > 1 else ''}"
    if volumes:
        return f"Delete {name}, its {count} and the data in them?"
    return f"Delete {name}? Its {count} will be kept."
