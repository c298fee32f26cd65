"""`skerry down`: what Skerry made goes; what it did not make stays."""

import os
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skerry.cli.connection import Door
from skerry.cli.console import Console, Format
from skerry.cli.follow import finish
from skerry.cli.launch import ended_with, ensure_server, mark_ended, wait_until_gone
from skerry.cli.options import Cells, Output
from skerry.cli.session import is_direct, open_session
from skerry.cli.target import read_record, state_folder
from skerry.errors import ServerUnavailable

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
    cell: Cells = None,
    output: Output = Format.TABLE,
) -> None:
    """Remove a repository's services; without a path everything, and stop the server.

    Without a path, containers, networks, the gateway and the server go; the state folder's
    records stay and are named. Volumes are asked about on a terminal; elsewhere they are
    kept unless `--volumes` is given, and named with the command that removes them. With
    `--cell`, or without a server, only services go, and the server stays.
    """
    console = Console()
    if path is not None:
        _one_repository(console, path, What(volumes=volumes, cells=tuple(cell or ())), form=output)
        return
    what = What(volumes=volumes, cells=tuple(cell or ()))
    if what.cells or is_direct():
        _say_kept(console, _down(open_session(console), console, what, form=output))
        return
    server = _server_to_end(console, volumes=volumes)
    if server is None:
        return
    kept = _down(server, console, what, form=output)
    server.send("POST", "/v1/stop", {"gateway": True})
    server.close()
    if not server.target.remote and not wait_until_gone(server.target.pid):
        raise ServerUnavailable(
            "still runs a minute after it was told to stop",
            subject=f"process {server.target.pid}",
            hint=f"kill {server.target.pid}, then skerry down again",
        )
    _say_what_stays(console, kept, remote=server.target.remote)


@dataclass(frozen=True, slots=True, kw_only=True)
class What:
    """What goes: one repository's services or all, in these cells or all."""

    repository: str | None = None
    volumes: bool = False
    cells: tuple[str, ...] = ()


def _one_repository(console: Console, path: Path, what: What, *, form: Format) -> None:
    from skerry.cli.repository import repository_name

    name, cells = repository_name(path)
    door = open_session(console, cells)
    meant = what.cells or tuple(cell for cell, _ in cells if not door.lasting)
    kept = _down(door, console, replace(what, repository=name, cells=meant), form=form)
    if kept:
        console.say(f"kept: {_names(kept)}; remove: skerry down {shlex.quote(str(path))} --volumes")


def _server_to_end(console: Console, *, volumes: bool) -> Door | None:
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


def _down(door: Door, console: Console, what: What, *, form: Format) -> list["VolumeView"]:
    """Remove the services; returns the volumes that were kept."""
    found, volumes = _volumes(door, what), what.volumes
    if found and not volumes and console.interactive:
        for each in found:
            console.say(f"  {each['name']} of {each['service']}")
        volumes = console.ask("Remove these volumes and the data in them, too?")
    body = {"repository": what.repository, "volumes": volumes, "cells": [*what.cells]}
    finish(door, door.send("POST", "/v1/down", body), form=form, services=lambda: ())
    return [] if volumes else found


def _volumes(door: Door, what: What) -> list["VolumeView"]:
    every: list[VolumeView] = door.get("/v1/volumes", cell=what.cells)["volumes"]
    return [each for each in every if what.repository in (None, each["repository"])]


def _say_kept(console: Console, kept: list["VolumeView"]) -> None:
    if kept:
        console.say(f"kept: {_names(kept)}; remove: skerry down --volumes")


def _say_what_stays(console: Console, kept: list["VolumeView"], *, remote: bool) -> None:
    _say_kept(console, kept)
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
