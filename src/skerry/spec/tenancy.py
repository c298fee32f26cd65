"""What a stack takes up: namespaces nobody else may have, and cells its tenants may be in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from skerry.errors import Problem
from skerry.model.cell import Cell
from skerry.model.repository import Settings
from skerry.model.stack import LONGEST_NAMESPACE, tenant_key
from skerry.spec.entries import Located
from skerry.spec.limits import MAX_PROBLEMS
from skerry.spec.messages import Complaint
from skerry.spec.placement import outside
from skerry.spec.stacks import Joined, Part
from skerry.spec.words import suggest

RESERVED: Final = ("kube", "skerry")
"""Namespaces that start with one of these and a dash are Kubernetes' and Skerry's own."""


def check_stacks(
    stacks: Sequence[Joined],
    *,
    services: Sequence[Located],
    settings: Settings,
    cells: Sequence[Cell],
) -> Iterator[Problem]:
    """Every problem of stacks with what is around them."""
    places = _namespaces(services, settings)
    names = {each.declared.name: each for each in stacks}
    known = {cell.cell: cell for cell in cells}
    for joined in stacks:
        found = [
            *_check_names(joined, places, names),
            *(_check_cells(joined, known) if known else ()),
        ]
        told: dict[str, int] = {}
        for part, complaint in found:
            told[part.where] = told.get(part.where, 0) + 1
            if told[part.where] <= MAX_PROBLEMS:
                yield part.problem(complaint)


def _namespaces(services: Sequence[Located], settings: Settings) -> dict[str, str]:
    """Each namespace of a team, and who says so."""
    found = dict.fromkeys(settings.teams, "skerry.yaml")
    for located in services:
        found.setdefault(located.service.namespace, located.where)
    return found


def _check_names(
    joined: Joined, places: Mapping[str, str], stacks: Mapping[str, Joined]
) -> Iterator[tuple[Part, Complaint]]:
    name = joined.declared.name
    if name in RESERVED:
        said = f"namespaces that start with `{name}-` are reserved"
        yield joined.head, Complaint(("stack",), said, f"call it `{name}s`, say")
    taken = {each: where for each, where in places.items() if each.startswith(f"{name}-")}
    rivals = [each for each in stacks if each.startswith(f"{name}-")]
    room = LONGEST_NAMESPACE - len(name) - 1
    for part in joined.parts:
        for tenant in part.tenants.written:
            if len(tenant) > room:
                said = f"{name}-{tenant} is its namespace, and longer than {LONGEST_NAMESPACE}"
                hint = f"shorten it to {max(room, 0)} characters"
                yield part, Complaint(("tenants", tenant), said, hint)
            if not taken and not rivals:
                continue
            namespace = tenant_key(name, tenant).namespace
            if (where := taken.get(namespace) or _rival(namespace, rivals, stacks)) is not None:
                said = f"its namespace {namespace} is taken by what is at {where}"
                yield part, Complaint(("tenants", tenant), said, "rename one of the two")


def _rival(namespace: str, rivals: Sequence[str], stacks: Mapping[str, Joined]) -> str | None:
    """Another stack that has a tenant in this namespace: `a` + `b-c` and `a-b` + `c`."""
    for name in rivals:
        tenant = namespace.removeprefix(f"{name}-")
        if tenant != namespace and stacks[name].declared.roster_of(tenant) is not None:
            return stacks[name].head.where
    return None


def _check_cells(joined: Joined, cells: Mapping[str, Cell]) -> Iterator[tuple[Part, Complaint]]:
    stack = joined.declared
    if cells and not stack.cells and all(outside(each, stack.residency) for each in cells.values()):
        nowhere = f"runs nowhere: none of {', '.join(cells)} is in {', '.join(stack.residency)}"
        hint = "add a cell there, or widen residency"
        yield joined.head, Complaint(("residency",), nowhere, hint)
        return
    for part in joined.parts:
        for position, written in enumerate(part.stack.cells):
            path = ("cells", position)
            if written not in cells:
                yield part, _unknown(path, written, cells)
            elif (said := outside(cells[written], stack.residency)) is not None:
                yield part, Complaint(path, said, "remove the cell, or add its country")
        for tenant in part.tenants.placed:
            for complaint in _check_tenant(joined, part, tenant=tenant, cells=cells):
                yield part, complaint


def _check_tenant(
    joined: Joined, part: Part, *, tenant: str, cells: Mapping[str, Cell]
) -> Iterator[Complaint]:
    stack, written = joined.declared, part.tenants.written[tenant]
    own = tuple(written.get("residency") or ())
    cell = written.get("cell")
    if stack.residency and (wider := [each for each in own if each not in stack.residency]):
        said = f"residency {', '.join(wider)} is outside the stack's {', '.join(stack.residency)}"
        hint = "a tenant can only narrow it"
        yield Complaint(("tenants", tenant, "residency"), said, hint)
    if cell is not None:
        path = ("tenants", tenant, "cell")
        if cell not in cells:
            yield _unknown(path, cell, cells)
            return
        for residency in (own, stack.residency):
            if (forbidden := outside(cells[cell], residency)) is not None:
                yield Complaint(path, forbidden, "choose another cell, or add its country")
                return
    elif own:
        places = part.stack.cells or stack.cells or tuple(cells)
        allowed = own if not stack.residency else tuple({*own} & {*stack.residency})
        if all(outside(cells[each], allowed) for each in places if each in cells):
            said = f"runs nowhere: none of {', '.join(places)} is in {', '.join(own)}"
            hint = "add a cell there, or widen residency"
            yield Complaint(("tenants", tenant, "residency"), said, hint)


def _unknown(path: tuple[str | int, ...], written: str, cells: Mapping[str, Cell]) -> Complaint:
    end, hint = suggest(written, tuple(cells))
    return Complaint(path, f"unknown cell `{written}`{end}", hint)
