"""`skerry token`: who may do what."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from skerry.cli.completion import complete_tokens
from skerry.cli.console import Console, Format
from skerry.cli.options import Output, seconds
from skerry.cli.session import open_session
from skerry.clock import SystemClock
from skerry.errors import NotFound
from skerry.report.lines import line
from skerry.report.tables import tokens_table

if TYPE_CHECKING:
    from skerry.report.shapes import TokensView, TokenView


class RoleName(StrEnum):
    """What a token may do, each including those before."""

    VIEWER = "viewer"
    DEPLOYER = "deployer"
    ADMIN = "admin"


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="whose it is, as in the audit")],
    *,
    role: Annotated[RoleName, typer.Option(help="what it may do")] = RoleName.VIEWER,
    namespace: Annotated[
        list[str] | None, typer.Option(help="only there; may be repeated; all without it")
    ] = None,
    expires: Annotated[str, typer.Option(metavar="TIME", help="useless after, as 90d")] = "",
    output: Output = Format.TABLE,
) -> None:
    """Make a token. It is printed once, on standard output, and kept only as a digest."""
    console = Console()
    body = {
        "name": name,
        "role": role.value,
        "namespaces": namespace or [],
        "expires_seconds": seconds(expires) if expires else None,
    }
    view: TokenView = open_session(console).send("POST", "/v1/tokens", body)
    console.data(view, output, lambda: [line(view.get("token", ""))])
    console.say("keep it now: it is not shown again; use it as SKERRY_TOKEN")


def list_(output: Output = Format.TABLE) -> None:
    """List tokens: names, roles, namespaces, ages; never the tokens themselves."""
    console = Console()
    view: TokensView = open_session(console).get("/v1/tokens")
    console.data(view, output, lambda: tokens_table(view, now=SystemClock().now()))


def revoke(
    name: Annotated[
        str, typer.Argument(metavar="NAME|ID", autocompletion=complete_tokens, help="which one")
    ],
) -> None:
    """Make a token useless from now on."""
    console = Console()
    server = open_session(console)
    every: TokensView = server.get("/v1/tokens")
    for token in every["tokens"]:
        if name in (token["id"], token["name"]):
            server.send("DELETE", f"/v1/tokens/{quote(token['id'], safe='')}")
            console.say(f"revoked: {token['name']}")
            return
    from skerry.cli.names import nearest

    near = nearest(name, [token["name"] for token in every["tokens"]])
    raise NotFound(
        "there is no such token" + (f"; did you mean {near}?" if near else ""),
        subject=name,
        hint="skerry token list",
    )
