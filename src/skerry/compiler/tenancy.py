"""A tenant of a stack -> its service, for one cell: made when it is needed, not before."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from pydantic import ValidationError

from skerry.errors import InvalidDocuments
from skerry.model.cell import Cell, Routes
from skerry.model.objects import digest_of
from skerry.model.repository import DeclaredService, DeclaredStack, Roster
from skerry.model.stack import TenantService, parse_moment
from skerry.model.stamping import stamp_out, values_of
from skerry.model.units import show_seconds

_STOPPED: Final = {"scale": {"min": 0, "max": 0}, "route": "none"}


class Stay(StrEnum):
    """Whether a tenant is there."""

    PRESENT = "present"
    STOPPED = "stopped"  # removed: no replica, no route; its data is kept for a while
    GONE = "gone"  # removed, and its time is over


def stay_of(written: Mapping[str, Any], stack: DeclaredStack, *, now: datetime) -> Stay:
    """What `removed:` means now."""
    removed = removed_at(written)
    if removed is None:
        return Stay.PRESENT
    return Stay.GONE if now >= ends_at(removed, stack) else Stay.STOPPED


def removed_at(written: Mapping[str, Any]) -> datetime | None:
    """When a tenant was removed, if it was."""
    at = written.get("removed")
    return None if at is None else parse_moment(at)


def ends_at(removed: datetime, stack: DeclaredStack) -> datetime:
    """When the data of a tenant that was removed then goes."""
    return removed + timedelta(seconds=stack.grace_seconds)


def absence_of(
    written: Mapping[str, Any], roster: Roster, stack: DeclaredStack, *, cell: Cell
) -> str | None:
    """Why a tenant does not run in this cell, or None when it does."""
    chosen = written.get("cell")
    places: Sequence[str] = (chosen,) if chosen else roster.cells or stack.cells
    if places and cell.cell not in places:
        return f"runs in {', '.join(places)}, not in {cell.cell}"
    for residency in (written.get("residency") or (), stack.residency):
        if residency and cell.country not in residency:
            where = f"is in {cell.country}" if cell.country else "does not say its country"
            return f"may run in {', '.join(residency)} only; cell {cell.cell} {where}"
    return None


def materialise(
    stack: DeclaredStack, tenant: str, cell: Cell, *, now: datetime | None = None
) -> DeclaredService:
    """The tenant's service as this cell runs it; without `now` as if it were never removed.

    Raises InvalidDocuments, at the tenant's line, when what it has otherwise does not fit the
    template. KeyError for a tenant that is not declared.
    """
    roster = stack.roster_of(tenant)
    if roster is None:
        raise KeyError(tenant)
    written = roster.tenants[tenant]
    document = document_of(stack, roster, tenant=tenant, cell=cell)
    stopped = now is not None and stay_of(written, stack, now=now) is not Stay.PRESENT
    if stopped:
        document |= _STOPPED
    try:
        service = TenantService.model_validate(document)
    except ValidationError as error:
        raise InvalidDocuments(roster.where.explain(tenant, document, error)) from error
    return DeclaredService(
        service=service,
        file=roster.file,
        folder=stack.folder,
        digest=digest_of([document, stack.digest]),
        line=roster.where.line(tenant),
    )


def document_of(stack: DeclaredStack, roster: Roster, *, tenant: str, cell: Cell) -> dict[str, Any]:
    """The document a tenant's service is validated from: everything filled in."""
    written = roster.tenants[tenant]
    given = {"tenant": tenant, "stack": stack.name, "cell": cell.cell}
    values = values_of(written, stack.values_for(roster)) | given
    document = stamp_out(stack.template, written, values)
    if cell.routes is not Routes.NONE:
        host = f"{tenant}.{stack.name}.{cell.domain}"
        document["route"] = _routed(document.get("route"), host)
    return {**document, "service": tenant, "stack": stack.name, "allow": list(stack.allow)}


def say_stopped(written: Mapping[str, Any], stack: DeclaredStack) -> str:
    """Why a tenant is stopped, and what follows."""
    removed = removed_at(written)
    assert removed is not None, "asked of tenants that are stopped"
    return (
        f"removed at {removed:%Y-%m-%d %H:%M}; its data goes {show_seconds(stack.grace_seconds)} "
        f"later, at {ends_at(removed, stack):%Y-%m-%d %H:%M}"
    )


def say_ended(written: Mapping[str, Any], stack: DeclaredStack) -> str:
    """Why a tenant goes with its data."""
    removed = removed_at(written)
    assert removed is not None, "asked of tenants that were removed"
    grace = show_seconds(stack.grace_seconds)
    return f"the {grace} after its removal ended at {ends_at(removed, stack):%Y-%m-%d %H:%M}"


def _routed(route: Any, host: str) -> Any:
    """The route with a host of the tenant's own, where it has none."""
    if route == "none":
        return route
    return {"host": host, **route} if isinstance(route, Mapping) else {"host": host}
