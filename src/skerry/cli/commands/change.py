"""`deploy`, `rollback`, `unhold`, `scale`, `restart`: one service changes, and is waited for."""

from pathlib import Path
from typing import Annotated, Any

import typer

from skerry.cli.completion import complete_services
from skerry.cli.connection import Door
from skerry.cli.console import Console, Format
from skerry.cli.deploying import Where, change_service
from skerry.cli.options import Cells, Detach, Only, Output, ServiceName, TakeOver, seconds
from skerry.cli.session import open_session


def deploy(
    target: Annotated[
        str,
        typer.Argument(
            metavar="NAME|STACK|PATH",
            help="with --image a service, with --version a stack; else a repository's folder",
            autocompletion=complete_services,
        ),
    ] = ".",
    *,
    image: Annotated[str, typer.Option(help="the image to run from now on")] = "",
    version: Annotated[
        str, typer.Option(metavar="X", help="the version for a stack's tenants")
    ] = "",
    waves: Annotated[
        str,
        typer.Option(metavar="STEPS", help="tenants done after each wave, as 1%,10%,100%"),
    ] = "",
    bake: Annotated[
        str, typer.Option(metavar="TIME", help="how long each wave is watched, as 2m")
    ] = "",
    first: Annotated[
        str, typer.Option(metavar="TENANTS", help="tenants that go first, as acme,globex")
    ] = "",
    max_failures: Annotated[
        int, typer.Option(min=0, metavar="N", help="tenants that may fail before it halts")
    ] = 0,
    file: Annotated[
        str,
        typer.Option("--file", metavar="PATH", help="the stack's repository; this folder else"),
    ] = "",
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

    `--version` gives a stack's tenants that version, wave by wave, each cell for itself. When
    tenants of a wave fail, or get ill while it is watched (`--bake`), it halts: they get back
    what they ran, and the rest is untouched. See `skerry resume`, `abort` and `rollback`.
    """
    if version:
        if image:
            raise typer.BadParameter("--version is for a stack, --image for a service: choose one")
        wanted = {
            "stack": target,
            "version": version,
            "waves": waves or "100%",
            "bake_seconds": seconds(bake) if bake else 0,
            "first": [each.strip() for each in first.split(",") if each.strip()],
            "max_failures": max_failures,
        }
        _roll_out(wanted, file=file, cell=cell, detach=detach, output=output)
        return
    if waves or bake or first or max_failures:
        raise typer.BadParameter("waves are of a version: add --version X")
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
    waves: Annotated[
        str, typer.Option(metavar="STEPS", help="of a stack: in waves, as 10%,100%")
    ] = "",
    cell: Cells = None,
    detach: Detach = False,
    output: Output = Format.TABLE,
) -> None:
    """Bring back the release before the present one, or an older one by its number.

    Needs no files. The service is then held at that release, until its document changes
    or `skerry unhold NAME`. Release numbers are each cell's own. Of a stack, every tenant that
    its last roll-out changed gets back what it ran before, in one wave or in `--waves`.
    """
    door = open_session(Console())
    if waves or (to is None and _is_stack(door, name, cell)):
        from skerry.cli.rolling import finish_rollout, lasting, rollout_path

        detach = lasting(door, detach)
        path = rollout_path(name, "rollback", cell)
        started = door.send("POST", path, {"waves": waves or "100%"})
        finish_rollout(door, name, started, form=output, detach=detach)
        return
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


def _roll_out(
    wanted: dict[str, Any], *, file: str, cell: list[str] | None, detach: bool, output: Format
) -> None:
    from skerry.cli.rolling import ROLLOUTS, documents, finish_rollout, lasting

    prepared = documents(file, cell)
    door = open_session(Console(), prepared.cells)
    detach = lasting(door, detach)
    body = {"sources": prepared.request["sources"], "cells": list(cell or ()), **wanted}
    started = door.send("POST", ROLLOUTS, body)
    finish_rollout(door, wanted["stack"], started, form=output, detach=detach)


def _is_stack(door: Door, name: str, cell: list[str] | None) -> bool:
    """Whether a stack of this name was rolled out, and no service is called so."""
    if "/" in name:
        return False
    rollouts = door.get("/v1/rollouts", stack=name, cell=cell or ())["rollouts"]
    if not rollouts:
        return False
    services = door.get("/v1/status", namespace="default", name=name, cell=cell or ())["services"]
    return not services


def _count(written: str) -> int:
    if written.isdecimal() and int(written) <= 1000:
        return int(written)
    raise typer.BadParameter(f"{written!r} should be a number from 0 to 1000, or auto")
