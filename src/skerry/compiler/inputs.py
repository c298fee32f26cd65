"""The digest of everything a bundle is compiled from: equal inputs, nothing to look at."""

from functools import lru_cache
from typing import Final

from skerry.compiler.subject import Subject
from skerry.model.cell import Cell
from skerry.model.objects import digest_of, repository_mark

COMPILER: Final = 1
"""Raised when the same documents compile to something else than before."""


def inputs_of(subject: Subject) -> str:
    """Cheap beside compiling. Ends in the repository's mark (see `repository_mark`)."""
    setting, service = subject.setting, subject.service
    secrets = [setting.fingerprints.get(reference, "") for reference in service.secrets.values()]
    doors = [[*each.key, each.port, each.alias] for each in subject.depends]
    around = _around(setting.cell, setting.repository)
    facts = [subject.declared.digest, service.image, around, secrets, doors]
    return f"{digest_of(facts)}-{_mark(setting.repository)}"


@lru_cache(maxsize=64)
def _around(cell: Cell, repository: str) -> str:
    return digest_of([COMPILER, repository, cell.cell, cell.domain, cell.https, cell.zones])


@lru_cache(maxsize=64)
def _mark(repository: str) -> str:
    return repository_mark(repository)
