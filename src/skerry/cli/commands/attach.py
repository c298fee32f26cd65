"""`exec` and `run`: a command in a replica, or in a container of its own."""

import sys
from typing import Annotated

import typer

from skerry.cli.attach import Process, attach
from skerry.cli.connection import Door
from skerry.cli.console import Console
from skerry.cli.options import OneCell, ServiceName
from skerry.cli.session import open_session, suggesting
from skerry.errors import Refused

Command = Annotated[
    list[str], typer.Argument(metavar="COMMAND", help="the command and its arguments")
]
Interactive = Annotated[bool, typer.Option("--interactive", "-i", help="send standard input to it")]
Tty = Annotated[bool, typer.Option("--tty", "-t", help="give it a terminal")]


def exec_(
    name: ServiceName,
    command: Command,
    *,
    interactive: Interactive = False,
    tty: Tty = False,
    replica: Annotated[str | None, typer.Option(help="in this replica; any without it")] = None,
    cell: OneCell = None,
) -> None:
    """Run a command inside a running replica, and end with its exit code.

    `-it` for a shell: keys go through as they are, and the window's size follows.
    """
    server = _session(tty)
    wanted = Process(
        verb="exec",
        command=command,
        tty=tty,
        interactive=interactive,
        replica=replica,
        cell=cell,
    )
    with suggesting(server, name):
        code = attach(server, name, wanted)
    raise typer.Exit(code)


def run(
    name: ServiceName,
    command: Command,
    *,
    interactive: Interactive = False,
    tty: Tty = False,
    cell: OneCell = None,
) -> None:
    """Run a command in a new container with a service's image, environment and secrets.

    The container is in nobody's way: it takes no traffic, and is removed when the command
    ends. The exit code is the command's.
    """
    server = _session(tty)
    wanted = Process(verb="run", command=command, tty=tty, interactive=interactive, cell=cell)
    with suggesting(server, name):
        code = attach(server, name, wanted)
    raise typer.Exit(code)


def _session(tty: bool) -> Door:
    if tty and not sys.stdin.isatty():
        raise Refused(
            "there is no terminal to give", subject="--tty", hint="leave -t out (-i stays)"
        )
    return open_session(Console())
