"""Models -> bundles for one cell: services and tenants, those of the request."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from skerry.compiler.compile import NOTHING, compile_repository
from skerry.compiler.placement import absence
from skerry.compiler.tenancy_compile import Look, Tenants, compile_tenants
from skerry.errors import InvalidDocuments, NotFound, Problem
from skerry.model.cell import Cell
from skerry.model.keys import ServiceKey
from skerry.model.objects import Bundle
from skerry.model.repository import Repository
from skerry.model.stack import tenant_key
from skerry.planner.removal import Elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """Bundles of the services, and of the tenants to be looked at; and who else there is."""

    bundles: tuple[Bundle, ...]
    elsewhere: Elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which of a repository's services: all, or `only` those; with `whole` also what the cell
    (`index`) has already. `contents` are the files documents point to, `fingerprints` those of
    secrets."""

    contents: Mapping[str, bytes]
    fingerprints: Mapping[str, str]
    index: Mapping[ServiceKey, str]
    now: datetime
    only: tuple[str, ...] = ()
    whole: bool = False


async def compiled(repository: Repository, cell: Cell, wanted: Wanted) -> Compiled:
    """In a thread: ten thousand services take seconds, and the server goes on meanwhile.
    Raises InvalidDocuments with all faults, NotFound for a name nobody declares."""
    return await asyncio.to_thread(_compiled, repository, cell, wanted)


def _compiled(repository: Repository, cell: Cell, wanted: Wanted) -> Compiled:
    only = _only(repository, wanted.only)
    problems: list[Problem] = []
    bundles: tuple[Bundle, ...] = ()
    tenants = Tenants()
    try:
        bundles = compile_repository(
            repository,
            cell,
            contents=wanted.contents,
            fingerprints=wanted.fingerprints,
            skip=NOTHING if wanted.whole else wanted.index,
        )
    except InvalidDocuments as error:
        problems.extend(error.problems)
    try:
        tenants = compile_tenants(
            repository,
            cell,
            contents=wanted.contents,
            fingerprints=wanted.fingerprints,
            look=Look(index=wanted.index, now=wanted.now, only=only, whole=wanted.whole),
        )
    except InvalidDocuments as error:
        problems.extend(error.problems)
    if problems:
        raise InvalidDocuments(problems)
    mine = bundles if only is None else [each for each in bundles if each.service in only]
    return Compiled(
        bundles=(*mine, *tenants.bundles),
        elsewhere=Elsewhere(
            absent=_absent(repository, cell, only),
            settled=tenants.settled,
            moved=tenants.moved,
            ended=tenants.ended,
        ),
    )


def _only(repository: Repository, names: tuple[str, ...]) -> frozenset[ServiceKey] | None:
    """The services meant; None for all. A tenant is `STACK/TENANT` or its own `NAMESPACE/NAME`."""
    if not names:
        return None
    known = {str(each.service.key): each.service.key for each in repository.services}
    for stack in repository.stacks:
        for tenant in stack.tenants:
            key = tenant_key(stack.name, tenant)
            known.setdefault(str(key), key)
            known.setdefault(f"{stack.name}/{tenant}", key)
    unknown = sorted(set(names) - known.keys())
    if unknown:
        raise NotFound(
            f"does not declare {', '.join(unknown)}",
            subject=f"repository/{repository.name}",
            hint=f"it declares {', '.join(sorted(known)[:20]) or 'nothing'}",
        )
    return frozenset(known[name] for name in names)


def _absent(
    repository: Repository, cell: Cell, only: frozenset[ServiceKey] | None
) -> dict[ServiceKey, str]:
    """Services declared, but not to run in this cell, with the reason."""
    found = {each.service.key: absence(each.service, cell) for each in repository.services}
    return {
        service: reason
        for service, reason in found.items()
        if reason is not None and (only is None or service in only)
    }
