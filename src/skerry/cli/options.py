"""Arguments and options several commands share, each written once."""

from pathlib import Path
from typing import Annotated

import typer

from skerry.cli.completion import complete_cells, complete_services
from skerry.cli.console import Format

Output = Annotated[
    Format,
    typer.Option("--output", "-o", help="how data is printed; wide adds columns"),
]
ServiceName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="the service: NAME, or NAMESPACE/NAME",
        autocompletion=complete_services,
    ),
]
Folder = Annotated[
    Path, typer.Argument(metavar="PATH", help="the repository's folder, or one document")
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="NAME",
        help="only this service; may be repeated",
        autocompletion=complete_services,
    ),
]
Cells = Annotated[
    list[str] | None,
    typer.Option(
        "--cell",
        metavar="NAME",
        help="only in this cell; may be repeated",
        autocompletion=complete_cells,
    ),
]
OneCell = Annotated[
    str | None,
    typer.Option(
        "--cell",
        metavar="NAME",
        help="in this cell; needed where it is in several",
        autocompletion=complete_cells,
    ),
]
Detach = Annotated[
    bool,
    typer.Option(
        "--detach",
        "-d",
        "--no-wait",
        help="do not wait for its end: a server carries it there, without one the next apply",
    ),
]
TakeOver = Annotated[
    bool, typer.Option("--take-over", help="take fields that another manager of objects owns")
]


def seconds(written: str) -> float:
    """`"30m"` -> 1800.0; a usage error for anything else than a duration."""
    from skerry.model.units import parse_seconds

    try:
        return parse_seconds(written)
    except ValueError as error:
        raise typer.BadParameter(f"{written!r} {error}") from error
