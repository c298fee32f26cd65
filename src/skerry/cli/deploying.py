"""What plan, apply, deploy and up share: plans become operations that are waited for."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from skerry.cli.cells import end_with, say_failures
from skerry.cli.connection import Door, service_path
from skerry.cli.console import Console, Format
from skerry.cli.follow import finish, services_named
from skerry.cli.repository import Prepared
from skerry.cli.session import suggesting
from skerry.errors import Refused
from skerry.report.lines import Line, line, plan_lines, url_lines

if TYPE_CHECKING:
    from skerry.report.shapes import AppliedView, CellFailureView, PlansView, PlanView, ResultView


class Where(NamedTuple):
    """The cells a service is changed in, all it is in when empty; and whether to wait."""

    cells: Sequence[str] | None = None
    detach: bool = False


def plans_lines(plans: Sequence["PlanView"], *, diffs: bool = True) -> Iterator[Line]:
    """Each cell's plan; a name above each where there are several."""
    for plan in plans:
        if len(plans) > 1 and plan["changes"]:
            yield line(f"{plan['cell']}:")
        yield from plan_lines(plan, diffs=diffs)


def apply_plans(
    door: Door, prepared: Prepared, view: "PlansView", *, form: Format, how: Mapping[str, bool]
) -> None:
    """Exactly these plans, by their digests; waits and prints the result. Cells without
    changes, and those no plan could be made for, are left alone. `how` says `detach` and
    `take_over`."""
    plans = [each for each in view["plans"] if each["changes"]]
    agreed = {each["cell"]: each["digest"] for each in plans}
    body = {**_body(door, prepared, how), "plan": agreed, "cells": [*agreed]}
    applied: AppliedView = door.send("POST", "/v1/apply", body)
    failures = [*view["unreachable"], *applied["unreachable"]]
    _finish(door, prepared, applied, form=form, failures=failures, detach=how.get("detach", False))


def apply_now(
    door: Door,
    prepared: Prepared,
    *,
    form: Format,
    how: Mapping[str, bool],
    diffs: bool = True,
) -> None:
    """Without asking: each cell begins as soon as its own plan is made. Says the plans, waits,
    and prints the result."""
    console = Console()
    applied: AppliedView = door.send("POST", "/v1/apply", _body(door, prepared, how))
    console.say_lines(plans_lines(applied["plans"], diffs=diffs))
    if not applied["operations"]:
        show_unchanged(door, prepared, applied, form=form)
        return
    failures = applied["unreachable"]
    _finish(door, prepared, applied, form=form, failures=failures, detach=how.get("detach", False))


def show_unchanged(
    door: Door, prepared: Prepared, view: "PlansView | AppliedView", *, form: Format
) -> None:
    """The result when nothing was to do: the services as they are."""
    console, failures = Console(), view["unreachable"]
    cells = [each["cell"] for each in view["plans"]]
    services = services_named(door, prepared.names, cells) if cells else []
    result: ResultView = {
        "operation": None,
        "operations": [],
        "services": services,
        "unreachable": [*failures],
    }
    console.data(result, form, lambda: url_lines(services))
    end_with(console, failures)


def change_service(
    door: Door,
    name: str,
    verb: str,
    *,
    body: Mapping[str, Any],
    form: Format,
    where: Where,
) -> None:
    """One service's operations (deploy, rollback, scale ...), waited for and printed."""
    cells, detach = where
    if detach and not door.lasting:
        raise Refused(
            "no server would carry it on",
            subject="--detach",
            hint="leave it out, or use a server: SKERRY_SERVER",
        )
    with suggesting(door, name):
        started = door.send("POST", service_path(name, verb, cells=cells or ()), dict(body))
    bare = name.removeprefix("default/")
    finish(
        door,
        started,
        form=form,
        services=lambda: services_named(door, [bare], cells or ()),
        detach=detach,
    )


def _body(door: Door, prepared: Prepared, how: Mapping[str, bool]) -> dict[str, Any]:
    """A server carries on by itself; without one, what is not waited for is left to the next."""
    body = {**prepared.request, "take_over": how.get("take_over", False)}
    return body if door.lasting else {**body, "wait": not how.get("detach", False)}


def _finish(
    door: Door,
    prepared: Prepared,
    applied: "AppliedView",
    *,
    form: Format,
    failures: "Sequence[CellFailureView]",
    detach: bool,
) -> None:
    changed = (change["service"] for plan in applied["plans"] for change in plan["changes"])
    names = [*dict.fromkeys([*prepared.names, *changed])]
    cells = [each["cell"] for each in applied["operations"]]
    cells += [each["cell"] for each in applied["plans"] if not each["changes"]]
    finish(
        door,
        {"operations": applied["operations"], "unreachable": [*failures]},
        form=form,
        services=lambda: services_named(door, names, cells),
        detach=detach,
    )


def say_unplanned(console: Console, view: "PlansView") -> None:
    """The cells no plan could be made for."""
    say_failures(console, view["unreachable"])
