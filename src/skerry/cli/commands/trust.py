"""`skerry trust`: the gateway's own authority among those this machine trusts."""

from typing import Annotated

import typer

from skerry.cli.console import Console
from skerry.cli.session import open_session
from skerry.cli.target import state_folder


def trust(
    show: Annotated[
        bool, typer.Option("--print", help="print the authority's certificate (PEM) instead")
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="trust it no more")] = False,
) -> None:
    """Make this machine trust the gateway's certificates: https without warnings.

    Installs the certificate of Skerry's own authority, which signs names of this machine's
    gateway. Needs root. Firefox keeps a store of its own: import what `--print` prints.
    """
    from skerry.cli import trusting

    console = Console()
    if remove:
        gone = trusting.remove(state_folder(), trusting.find_anchors())
        console.say(f"removed: {gone}" if gone else "nothing of Skerry's is trusted here")
        return
    pem: str = open_session(console).get("/v1/authority")["pem"]
    if show:
        print(pem, end="" if pem.endswith("\n") else "\n")
        return
    file = trusting.install(pem, state_folder(), trusting.find_anchors())
    console.say(f"trusted: {file}; restart browsers that are open")
