"""`skerry secrets`: values go in by a prompt or standard input, and never come out."""

import sys
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from skerry.cli.completion import complete_secrets
from skerry.cli.console import Console, Format
from skerry.cli.options import Output
from skerry.cli.session import open_session
from skerry.errors import Refused
from skerry.model.keys import DEFAULT_NAMESPACE
from skerry.model.secret import parse_secret_key
from skerry.report.lines import line

if TYPE_CHECKING:
    from skerry.report.shapes import SecretsView

SecretName = Annotated[
    str,
    typer.Argument(
        metavar="NAME", autocompletion=complete_secrets, help="its name, or NAMESPACE/NAME"
    ),
]


def set_(
    name: SecretName,
    context: typer.Context,
) -> None:
    """Store a secret, encrypted; documents of its namespace refer to it as `store:NAME`.

    On a terminal the value is asked for without echo; otherwise standard input is the
    value, without its last line end. It is never an argument: those are in the shell's
    history and in the list of processes.
    """
    console = Console()
    if context.args:
        raise Refused(
            "a value is not taken as an argument: it would be in the shell's history and in "
            "the list of processes",
            subject=name,
            hint=f"skerry secrets set {name} (asks for it), or COMMAND | skerry secrets set {name}",
        )
    server = open_session(console)
    server.send("PUT", _path(name), {"value": _read(name)})
    namespace, secret = parse_secret_key(name)
    where = "" if namespace == DEFAULT_NAMESPACE else f" in services of team {namespace}"
    console.say(f"stored: {name}; refer to it as secrets: {{VARIABLE: store:{secret}}}{where}")


def list_(output: Output = Format.TABLE) -> None:
    """List the names of stored secrets; their values are shown to nobody."""
    console = Console()
    view: SecretsView = open_session(console).get("/v1/secrets")
    console.data(view, output, lambda: [line(name) for name in view["secrets"]])


def delete(name: SecretName) -> None:
    """Forget a secret. Containers that have it keep it until they are replaced."""
    console = Console()
    open_session(console).send("DELETE", _path(name))
    console.say(f"deleted: {name}")


def _path(name: str) -> str:
    namespace, secret = parse_secret_key(name)
    return f"/v1/secrets/{quote(namespace, safe='')}/{quote(secret, safe='')}"


def _read(name: str) -> str:
    if sys.stdin.isatty():
        from getpass import getpass

        value = getpass(f"value of {name}: ", stream=sys.stderr)
    else:
        try:
            value = sys.stdin.buffer.read().decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise Refused(
                "the value is not text (UTF-8)",
                subject=name,
                hint=f"base64 -w0 FILE | skerry secrets set {name}",
            ) from error
    if not value:
        raise Refused("the value is empty", subject=name, hint=f"skerry secrets set {name}")
    return value
