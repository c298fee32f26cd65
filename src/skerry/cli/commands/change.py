"""`deploy`, `rollback`, `unhold`, `scale`, `restart`: one service changes, and is waited for."""

from pathlib import Path
from typing import Annotated

import typer

from skerry.cli.completion import complete_services
from skerry.cli.console import Console, Format
from skerry.cli.deploying import Where, change_service
from skerry.cli.options import Cells, Detach, Only, Output, ServiceName, TakeOver, seconds
from skerry.cli.session import open_session


def deploy(
    target: Annotated[
        str,
        typer.Argument(
            metavar="NAME|PATH",
            help="with --image a service; without, a repository's folder",
            autocompletion=complete_services,
        ),
    ] = ".",
    *,
    image: Annotated[str, typer.Option(help="the image to run from now on")] = "",
    only: Only = None,
    cell: Cells = None,
    take_over: TakeOver = False,
    detach: Detach = False,
    output: Output = Format.TABLE,
) -> None:
    """Deploy a folder's documents without asking, or a new image of one service.

    `--image` needs no files: the service is then held at that image, and `plan` and
    `apply` leave it alone until its document changes or `skerry unhold NAME`. A release
    that does not come up is undone, and the error has the last the container said. All of it
    happens in every cell the service is in, or in those named with --cell.
    """
    if not image:
        if not Path(target).exists():
            raise typer.BadParameter(
                f"there is no folder {target!r}; for a service: "
                f"skerry deploy {target} --image IMAGE"
            )
        from skerry.cli.commands.plan import apply

        apply(
            Path(target),
            only=only,
            cell=cell,
            yes=True,
            take_over=take_over,
            detach=detach,
            output=output,
        )
        return
    door = open_session(Console())
    change_service(
        door, target, "deploy", body={"image": image}, form=output, where=Where(cell, detach)
    )


def rollback(
    name: ServiceName,
    *,
    to: Annotated[
        int | None, typer.Option(metavar="N", help="the release, from `skerry history NAME`")
    ] = None,
    cell: Cells = None,
    detach: Detach = False,
    output: Output = Format.TABLE,
) -> None:
    """Bring back the release before the present one, or an older one by its number.

    Needs no files. The service is then held at that release, until its document changes
    or `skerry unhold NAME`. Release numbers are each cell's own.
    """
    door = open_session(Console())
    change_service(door, name, "rollback", body={"to": to}, form=output, where=Where(cell, detach))


def unhold(
    name: ServiceName,
    *,
    cell: Cells = None,
    detach: Detach = False,
    output: Output = Format.TABLE,
) -> None:
    """Give a held service back to its document: the next apply treats it as any other."""
    door = open_session(Console())
    change_service(door, name, "unhold", body={}, form=output, where=Where(cell, detach))


def restart(
    name: ServiceName,
    *,
    cell: Cells = None,
    detach: Detach = False,
    output: Output = Format.TABLE,
) -> None:
    """Roll every replica, as a deploy would, without a new release."""
    door = open_session(Console())
    change_service(door, name, "restart", body={}, form=output, where=Where(cell, detach))


def scale(
    name: ServiceName,
    replicas: Annotated[
        str, typer.Argument(metavar="N|auto", help="how many; auto gives it back to the document")
    ],
    *,
    duration: Annotated[
        str, typer.Option("--for", metavar="TIME", help="ends by itself, as 30m or 2h")
    ] = "",
    cell: Cells = None,
    detach: Detach = False,
    output: Output = Format.TABLE,
) -> None:
    """Set a service's count of replicas by hand; it wins over the document until it ends.

    With `--for` it ends by itself, without it by `skerry scale NAME auto`.
    """
    count = None if replicas == "auto" else _count(replicas)
    if count is None and duration:
        raise typer.BadParameter("auto has no end: leave --for out")
    body = {"replicas": count, "for_seconds": seconds(duration) if duration else None}
    door = open_session(Console())
    change_service(door, name, "scale", body=body, form=output, where=Where(cell, detach))


def _count(written: str) -> int:
    if written.isdecimal() and int(written) <= 1000:
        return int(written)
    raise typer.BadParameter(f"{written!r} should be a number from 0 to 1000, or auto")
