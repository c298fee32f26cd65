"""A command's door: a server, found and checked for its version once, or the operations in
this process (`direct.py`); and names that are nearly right."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from skerry.cli.connection import Door, Server, connect
from skerry.cli.console import Console
from skerry.cli.target import find_target, read_record, state_folder
from skerry.errors import NotFound
from skerry.report.lines import name_of


def open_session(console: Console, cells: "Sequence[tuple[str, str]]" = ()) -> Door:
    """The server the environment or this machine has; says on the way when its version is
    another than ours. Without one, and with Kubernetes cells only (`cells` are the names and
    engines of those the documents declare, else those remembered are meant), this process."""
    if is_direct(cells):
        from skerry.cli.direct import open_direct

        return open_direct()
    from skerry.cli.version import mismatch

    server = connect()
    version = server.target.version
    if server.target.remote:
        version = server.get("/healthz").get("version")
    if said := mismatch(version):
        console.warn(said)
    return server


def is_direct(cells: "Sequence[tuple[str, str]]" = ()) -> bool:
    """Whether no server is named or running, and only Kubernetes cells are in play."""
    if os.environ.get("SKERRY_SERVER"):
        return False
    state = state_folder()
    if read_record(state) is not None and find_target().alive:
        return False
    if cells:
        # An engine nobody knows is the documents' problem, which needs no server to be told.
        return all(engine != "local" for _, engine in cells)
    return bool(_remembered(state / "cells.json"))


def _remembered(file: Path) -> object:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None


def door_for_looks() -> Door:
    """As `open_session`, without a word: for completion."""
    if is_direct():
        from skerry.cli.direct import open_direct

        return open_direct()
    return Server(find_target())


@contextmanager
def suggesting(door: Door, name: str) -> Iterator[None]:
    """A NotFound for a service that does not exist is raised again with the nearest name."""
    try:
        yield
    except NotFound as error:
        if error.subject.startswith("cell/"):
            raise
        from skerry.cli.names import nearest

        names = [name_of(each) for each in door.get("/v1/status")["services"]]
        if name.removeprefix("default/") in names:
            raise
        near = nearest(name, names)
        raise NotFound(
            "there is no such service" + (f"; did you mean {near}?" if near else ""),
            subject=name,
            hint="skerry status (lists every service)" if names else "skerry up",
        ) from error
