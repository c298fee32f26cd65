"""A command's server: found, checked for its version once, and names that are nearly right."""

from collections.abc import Iterator
from contextlib import contextmanager

from skerry.cli.connection import Server, connect
from skerry.cli.console import Console
from skerry.errors import NotFound
from skerry.report.lines import name_of


def open_session(console: Console) -> Server:
    """The server; says on the way when its version is another than ours."""
    from skerry.cli.version import mismatch

    server = connect()
    version = server.target.version
    if server.target.remote:
        version = server.get("/healthz").get("version")
    if said := mismatch(version):
        console.warn(said)
    return server


@contextmanager
def suggesting(server: Server, name: str) -> Iterator[None]:
    """A NotFound for a service that does not exist is raised again with the nearest name."""
    try:
        yield
    except NotFound as error:
        from skerry.cli.names import nearest

        names = [name_of(each) for each in server.get("/v1/status")["services"]]
        if name.removeprefix("default/") in names:
            raise
        near = nearest(name, names)
        raise NotFound(
            "there is no such service" + (f"; did you mean {near}?" if near else ""),
            subject=name,
            hint="skerry status (lists every service)" if names else "skerry up",
        ) from error
