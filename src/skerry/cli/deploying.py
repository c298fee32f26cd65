"""What plan, apply, deploy and up share: a plan becomes an operation that is waited for."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from skerry.cli.connection import Server, service_path
from skerry.cli.console import Console, Format
from skerry.cli.follow import finish, services_named
from skerry.cli.repository import Prepared
from skerry.cli.session import suggesting
from skerry.report.lines import url_lines

if TYPE_CHECKING:
    from skerry.report.shapes import PlanView, ResultView


def apply_plan(
    server: Server, prepared: Prepared, plan: "PlanView", *, form: Format, detach: bool
) -> None:
    """Exactly this plan, by its digest; waits and prints the result."""
    body = {**prepared.request, "plan": plan["digest"]}
    operation = server.send("POST", "/v1/apply", body)
    names = {*prepared.names, *(change["service"] for change in plan["changes"])}
    finish(
        server,
        operation,
        form=form,
        services=lambda: services_named(server, [*names]),
        detach=detach,
    )


def show_unchanged(server: Server, names: Sequence[str], form: Format) -> None:
    """The result when nothing was to do: the services as they are."""
    services = services_named(server, names)
    result: ResultView = {"operation": None, "services": services}
    Console().data(result, form, lambda: url_lines(services))


def change_service(
    server: Server,
    name: str,
    verb: str,
    *,
    body: Mapping[str, Any],
    form: Format,
    detach: bool = False,
) -> None:
    """One service's operation (deploy, rollback, scale ...), waited for and printed."""
    with suggesting(server, name):
        operation = server.send("POST", service_path(name, verb), dict(body))
    bare = name.removeprefix("default/")
    finish(
        server,
        operation,
        form=form,
        services=lambda: services_named(server, [bare]),
        detach=detach,
    )
