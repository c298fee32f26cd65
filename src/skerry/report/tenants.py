"""Tenants as documents have them: views, and lines for people."""

from collections.abc import Iterable
from typing import Any, NotRequired, TypedDict

from skerry.report.lines import Line, Piece, line
from skerry.report.tables import table


class TenantView(TypedDict):
    """One line of `skerry tenants list`. `differs` are what it has otherwise than its stack;
    `cells` where it runs, `removed` since when it is stopped and `ends` when its data goes."""

    stack: str
    tenant: str
    namespace: str
    version: str | None
    cells: list[str]
    differs: list[str]
    removed: str | None
    ends: str | None
    file: str
    line: int


class TenantsView(TypedDict):
    """`skerry tenants list -o json`."""

    tenants: list[TenantView]


class PlaceView(TypedDict):
    """A tenant in one cell: its URL there, or why it does not run there. `state` is how it is,
    where that could be asked."""

    cell: str
    url: str | None
    absent: str | None
    state: NotRequired[str]
    reason: NotRequired[str]


class WholeTenantView(TenantView):
    """`skerry tenants show -o json`: template and tenant merged, and where it runs."""

    document: dict[str, Any]
    volumes: list[str]
    places: list[PlaceView]


def tenants_table(view: TenantsView, *, wide: bool = False) -> Iterable[Line]:
    """A line per tenant."""
    head = ["TENANT", "STACK", "VERSION", "CELLS", "OTHERWISE"]
    rows = [
        [
            each["tenant"],
            each["stack"],
            each["version"] or "-",
            ", ".join(each["cells"]) or "nowhere",
            f"removed, data goes {each['ends']}" if each["removed"] else ", ".join(each["differs"]),
            *([each["namespace"], f"{each['file']}:{each['line']}"] if wide else []),
        ]
        for each in view["tenants"]
    ]
    return table([*head, *(["NAMESPACE", "WRITTEN AT"] if wide else [])], rows)


def tenant_lines(view: WholeTenantView, document: str) -> Iterable[Line]:
    """Where it runs and how it is, then its document."""
    yield line(Piece(f"{view['stack']}/{view['tenant']}", "strong"), f"  {view['namespace']}")
    yield line(f"  written at {view['file']}:{view['line']}")
    if view["removed"]:
        yield line(Piece(f"  removed {view['removed']}, its data goes {view['ends']}", "warn"))
    for place in view["places"]:
        if place["absent"]:
            yield line(f"  {place['cell']}: {place['absent']}")
            continue
        state = place.get("state")
        said = f"{state}: {place.get('reason', '')}" if state else place.get("reason", "")
        yield line(f"  {place['cell']}: {place['url'] or 'no URL'}", f"  {said}" if said else "")
    yield line("")
    for each in document.rstrip("\n").split("\n"):
        yield line(each)
