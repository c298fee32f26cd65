"""`skerry down`: what Skerry made goes; what it did not make stays."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skerry.cli.connection import Server
from skerry.cli.console import Console, Format
from skerry.cli.follow import finish
from skerry.cli.launch import ended_with, ensure_server, mark_ended, wait_until_gone
from skerry.cli.options import Output
from skerry.cli.session import open_session
from skerry.cli.target import read_record, state_folder
from skerry.errors import NotFound, ServerUnavailable

if TYPE_CHECKING:
    from skerry.report.shapes import VolumeView


def down(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", help="only this repository's services"),
    ] = None,
    *,
    volumes: Annotated[
        bool, typer.Option("--volumes", help="remove volumes, and the data in them, too")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Remove a repository's services; without a path everything, and stop the server.

    Without a path, containers, networks, the gateway and the server go; the state folder's
    records stay and are named. Volumes are asked about on a terminal; elsewhere they are
    kept unless `--volumes` is given, and named with the command that removes them.
    """
    console = Console()
    if path is not None:
        _one_repository(console, path, volumes=volumes, form=output)
        return
    server = _server_to_end(console, volumes=volumes)
    if server is None:
        return
    kept = _down(server, console, repository=None, volumes=volumes, form=output)
    server.send("POST", "/v1/stop", {"gateway": True})
    server.close()
    if not server.target.remote and not wait_until_gone(server.target.pid):
        raise ServerUnavailable(
            "still runs a minute after it was told to stop",
            subject=f"process {server.target.pid}",
            hint=f"kill {server.target.pid}, then skerry down again",
        )
    _say_what_stays(console, kept, remote=server.target.remote)


def _one_repository(console: Console, path: Path, *, volumes: bool, form: Format) -> None:
    from skerry.cli.repository import repository_name

    server = open_session(console)
    kept = _down(server, console, repository=repository_name(path), volumes=volumes, form=form)
    if kept:
        console.say(f"kept: {_names(kept)}; remove: skerry down {shlex.quote(str(path))} --volumes")


def _server_to_end(console: Console, *, volumes: bool) -> Server | None:
    """The server; a local one that has ended is started to clear up after itself. None when
    there is nothing to clear up."""
    try:
        server = open_session(console)
        server.get("/healthz")
    except ServerUnavailable:
        if os.environ.get("SKERRY_SERVER"):
            raise
    else:
        return server
    kept = ended_with()
    if not (state_folder() / "server.log").exists() and read_record(state_folder()) is None:
        console.say("nothing of Skerry's runs here: no server was ever started")
    elif kept is not None and not (kept and volumes):
        console.say("nothing of Skerry's runs here any more")
        for each in kept:
            console.say(f"kept: {each}; remove: skerry down --volumes")
    else:
        return ensure_server(console)
    return None


def _down(
    server: Server, console: Console, *, repository: str | None, volumes: bool, form: Format
) -> list["VolumeView"]:
    """Remove the services; returns the volumes that were kept."""
    found = _volumes(server, repository)
    if found and not volumes and console.interactive:
        for each in found:
            console.say(f"  {each['name']} of {each['service']}")
        volumes = console.ask("Remove these volumes and the data in them, too?")
    operation = server.send("POST", "/v1/down", {"repository": repository, "volumes": volumes})
    finish(server, operation, form=form, services=lambda: ())
    return [] if volumes else found


def _volumes(server: Server, repository: str | None) -> list["VolumeView"]:
    try:
        every: list[VolumeView] = server.get("/v1/volumes")["volumes"]
    except NotFound:
        return []
    return [each for each in every if repository in (None, each["repository"])]


def _say_what_stays(console: Console, kept: list["VolumeView"], *, remote: bool) -> None:
    if kept:
        console.say(f"kept: {_names(kept)}; remove: skerry down --volumes")
    if remote:
        return
    mark_ended([_name(each) for each in kept])
    console.say(
        f"stays: {state_folder()} (releases, tokens, secrets, the certificate authority); "
        f"remove: rm -r {shlex.quote(str(state_folder()))}"
    )
    if where := _trusted():
        console.say(f"stays: {where} (`skerry trust`); remove: skerry trust --remove")


def _trusted() -> Path | None:
    from skerry.integrations.gateway.trust import NAME, STORES

    files = (Path("/") / store.folder / f"{NAME}.crt" for store in STORES)
    return next((file for file in files if file.exists()), None)


def _names(volumes: list["VolumeView"]) -> str:
    return ", ".join(map(_name, volumes))


def _name(volume: "VolumeView") -> str:
    return f"volume {volume['name']} of {volume['service']}"
