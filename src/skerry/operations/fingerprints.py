"""What a plan may know of secrets: a keyed digest of each, never the value."""

from skerry.errors import InvalidDocuments, NotFound, Problem
from skerry.model.repository import Repository
from skerry.ports import Secrets


async def fingerprints(references: Secrets, repository: Repository) -> dict[str, str]:
    """Of every reference in the repository, its namespace spelt out. Raises InvalidDocuments naming
    all that lead nowhere, each with the command that sets it."""
    found: dict[str, str] = {}
    missing: dict[str, NotFound] = {}
    for reference in sorted(_used(repository)):
        try:
            found[reference] = await references.fingerprint(reference)
        except NotFound as error:
            missing[reference] = error
    if missing:
        raise InvalidDocuments(_problems(repository, missing))
    return found


def _used(repository: Repository) -> set[str]:
    return {
        reference
        for declared in repository.services
        for reference in declared.service.references.values()
    }


def _problems(repository: Repository, missing: dict[str, NotFound]) -> list[Problem]:
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
    ]
