"""`skerry trust`: the gateway's own authority among those this machine trusts."""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from skerry.cli.console import Console
from skerry.cli.session import open_session
from skerry.cli.target import state_folder
from skerry.errors import Refused


def trust(
    show: Annotated[
        bool, typer.Option("--print", help="print the authority's certificate (PEM) instead")
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="trust it no more")] = False,
) -> None:
    """Make this machine trust the gateway's certificates: https without warnings.

    Installs the certificate of Skerry's own authority, which signs the names of this
    machine's gateway, for the system and for browsers that keep a store of their own where
    `certutil` is there. Needs root.
    """
    from skerry.integrations.gateway import trust as stores

    console = Console()
    if remove:
        with _as_root("--remove"):
            gone = stores.remove(home=Path.home())
        for said in gone or ("nothing of Skerry's is trusted here",):
            console.say(said)
        return
    pem: str = open_session(console).get("/v1/authority")["pem"]
    if show:
        print(pem, end="" if pem.endswith("\n") else "\n")
        return
    with _as_root():
        for said in stores.install(pem, home=Path.home()):
            console.say(said)
    console.say("browsers that are open notice after a restart")


@contextmanager
def _as_root(*option: str) -> Iterator[None]:
    """A refusal for lack of rights gets the whole command that has them: root's own state
    folder is another."""
    try:
        yield
    except Refused as error:
        if os.geteuid() == 0:
            raise
        state, program = state_folder(), Path(sys.argv[0]).absolute()
        words = [f"SKERRY_STATE={state}", str(program), "trust", *option]
        raise Refused(
            error.cause, subject=error.subject, hint=f"sudo {shlex.join(words)}"
        ) from error
