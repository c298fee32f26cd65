"""What a plan may know of secrets: a keyed digest of each, never the value."""

from skerry.compiler.tenancy_compile import references_of
from skerry.errors import InvalidDocuments, NotFound, Problem
from skerry.model.cell import Cell
from skerry.model.repository import Repository
from skerry.ports import Secrets


async def fingerprints(references: Secrets, repository: Repository, cell: Cell) -> dict[str, str]:
    """Of every reference in the repository, its namespace spelt out; of tenants, of those in this
    cell. Raises InvalidDocuments naming all that lead nowhere, each with the command that sets
    it."""
    found: dict[str, str] = {}
    missing: dict[str, NotFound] = {}
    for reference in sorted(_used(repository, cell)):
        try:
            found[reference] = await references.fingerprint(reference)
        except NotFound as error:
            missing[reference] = error
    if missing:
        raise InvalidDocuments(_problems(repository, cell, missing))
    return found


def _used(repository: Repository, cell: Cell) -> set[str]:
    used = {
        reference
        for declared in repository.services
        for reference in declared.service.references.values()
    }
    for stack in repository.stacks:
        used.update(reference for _, _, reference in references_of(stack, cell))
    return used


def _problems(repository: Repository, cell: Cell, missing: dict[str, NotFound]) -> list[Problem]:
    return [
        Problem(
            file=declared.file,
            line=declared.line,
            path=f"{declared.service.service}/secrets/{variable}",
            message=f"{reference} {missing[reference].cause}",
            hint=missing[reference].hint,
        )
        for declared in repository.services
        for variable, reference in declared.service.references.items()
        if reference in missing
    ] + [
        Problem(
            file=roster.file,
            line=roster.where.line(tenant),
            path=f"{stack.name}/{tenant}/secrets/{variable}",
            message=f"{reference} {missing[reference].cause}",
            hint=missing[reference].hint,
        )
        for stack in repository.stacks
        for tenant, variable, reference in references_of(stack, cell)
        if reference in missing and (roster := stack.roster_of(tenant)) is not None
    ]
