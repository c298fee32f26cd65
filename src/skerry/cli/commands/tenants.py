"""`skerry tenants`: the customers of a stack, in the documents that declare them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import typer

from skerry.cli.connection import service_path
from skerry.cli.console import Console, Format
from skerry.cli.options import Output
from skerry.cli.session import open_session
from skerry.errors import SkerryError
from skerry.report.tenants import tenant_lines, tenants_table

if TYPE_CHECKING:
    from skerry.operations.tenants import Folder
    from skerry.report.tenants import TenantsView, WholeTenantView

Stack = Annotated[str, typer.Argument(metavar="STACK", help="the stack's name")]
Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="the tenant's name")]
File = Annotated[
    str,
    typer.Option(
        "--file",
        metavar="PATH",
        help="the document to write to, or the repository's folder; this folder without it",
    ),
]
_PARTS: Final = ("scale", "env", "resources")


def list_(
    stack: Annotated[str, typer.Argument(metavar="[STACK]", help="only this stack's")] = "",
    *,
    file: File = "",
    output: Output = Format.TABLE,
) -> None:
    """List the tenants documents declare: version, cells, and what each has otherwise.

    Reads files alone; `skerry status` says how they are.
    """
    from skerry.operations.tenants import list_tenants

    folder = _open(file)
    view: TenantsView = {"tenants": list(list_tenants(folder, stack or None))}
    Console().data(view, output, lambda: tenants_table(view, wide=output is Format.WIDE))


def add(
    stack: Stack,
    tenant: Tenant,
    *,
    version: Annotated[str, typer.Option(help="instead of the stack's version")] = "",
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="a value of its own, or scale.NAME, env.NAME, resources.NAME; may be repeated",
        ),
    ] = None,
    cell: Annotated[str, typer.Option(help="the one cell it runs in")] = "",
    file: File = "",
) -> None:
    """Write a new tenant into its stack's document; comments and order stay as they are.

    Nothing runs before `skerry apply`. Where a stack is split over files, `--file` says which.
    """
    from skerry.operations.tenants import add_tenant

    written: dict[str, Any] = {"version": version} if version else {}
    for each in set_ or ():
        _put(written, each)
    if cell:
        written["cell"] = cell
    document = None if not file or Path(file).is_dir() else file
    path = add_tenant(_open(file), stack, tenant, written=written, file=document)
    console = Console()
    console.say(f"added: {tenant} to stack {stack}, in {path}")
    console.say("next: skerry apply")


def remove(
    stack: Stack,
    tenant: Tenant,
    *,
    now: Annotated[
        bool, typer.Option("--now", help="take the entry out of its document; stops nothing")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    file: File = "",
) -> None:
    """Write down that a tenant is removed: the next apply stops it, and deletes its namespace
    with all data once the stack's `grace` is over. Until then, deleting `removed:` brings it back.

    `--now` takes the entry out of the document instead: for one that is gone already. What
    still runs goes on then, and every plan says so, until `skerry delete` removes it. Without a
    terminal to ask on, `--yes` is needed.
    """
    from skerry.clock import SystemClock
    from skerry.operations.tenants import remove_tenant, show_tenant

    console = Console()
    if not yes and not console.interactive:
        raise typer.BadParameter("there is no terminal to ask on: add --yes")
    folder = _open(file)
    view = show_tenant(folder, stack, tenant)
    at = SystemClock().now()
    _say_loss(console, view, grace=folder.stack(stack).grace_seconds, now=now)
    if not yes and not console.ask(f"Remove {stack}/{tenant}?"):
        console.say("nothing was changed")
        raise typer.Exit(1)
    path = remove_tenant(folder, stack, tenant, at=at, entirely=now)
    name = f"{view['namespace']}/{tenant}"
    if now:
        console.say(f"taken out: {tenant}, of {path}")
        console.say(f"next, if it still runs: skerry delete {name} --volumes")
    else:
        console.say(f"marked as removed: {tenant}, in {path}")
        console.say("next: skerry apply (stops it)")


def show(stack: Stack, tenant: Tenant, *, file: File = "", output: Output = Format.TABLE) -> None:
    """Show template and tenant merged into the document that runs, where it runs, and how it is.

    How it is comes from the cells; where none answers, the rest is shown all the same.
    """
    from skerry.operations.tenants import show_tenant

    folder = _open(file)
    view = show_tenant(folder, stack, tenant)
    console = Console()
    _ask_cells(console, folder, view)
    console.data(view, output, lambda: tenant_lines(view, _yaml(view["document"])))


def _open(file: str) -> "Folder":
    """The repository of a folder; of this one, or its own, for a file."""
    from skerry.operations.tenants import open_folder

    path = Path(file or ".")
    if path.is_file():
        here = Path.cwd()
        path = here if path.resolve().is_relative_to(here) else path.parent
    return open_folder(path)


def _put(written: dict[str, Any], given: str) -> None:
    name, equals, value = given.partition("=")
    part, dot, key = name.partition(".")
    if not equals or not name:
        raise typer.BadParameter(f"{given!r} should be NAME=VALUE")
    if not dot:
        written.setdefault("values", {})[name] = value
    elif part in _PARTS and key:
        number = part != "env" and value.isdecimal()
        written.setdefault(part, {})[key] = int(value) if number else value
    else:
        raise typer.BadParameter(f"{name!r} should be a value's name, or {_PARTS[0]}.NAME")


def _say_loss(console: Console, view: "WholeTenantView", *, grace: float, now: bool) -> None:
    from skerry.model.units import show_seconds

    for place in view["places"]:
        if place["absent"] is None:
            console.say(f"{place['cell']}: {place['url'] or 'no URL'} goes away")
    kept = ", ".join(f"volume {each}" for each in view["volumes"]) or "no volumes"
    console.say(f"namespace {view['namespace']}: {kept}")
    if not now:
        console.say(f"stopped by the next apply; deleted with its data {show_seconds(grace)} later")


def _ask_cells(console: Console, folder: "Folder", view: "WholeTenantView") -> None:
    """Add how it is to each place that answers."""
    cells = [(each.cell, each.engine.value) for each in folder.repository.cells]
    path = service_path(f"{view['namespace']}/{view['tenant']}")
    for place in view["places"]:
        if place["absent"] is not None:
            continue
        try:
            state = open_session(console, cells).get(f"{path}?cell={quote(place['cell'])}")
        except SkerryError as error:
            place["reason"] = f"not known how it is: {error.cause}"
        else:
            place["state"], place["reason"] = state["state"], state["reason"]
            place["url"] = state["url"] or place["url"]


def _yaml(document: Any) -> str:
    import yaml

    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
