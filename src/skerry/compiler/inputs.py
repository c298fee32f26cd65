"""The digest of everything a bundle is compiled from: equal inputs, nothing to look at."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from skerry.compiler.subject import Dependency, Setting, references
from skerry.model.cell import Cell
from skerry.model.objects import digest_of, repository_mark
from skerry.model.repository import DeclaredService

COMPILER: Final = 3
"""Raised when the same documents compile to something else than before."""
_ELSEWHERE: Final = frozenset(
    {"region", "country", "reconcile", "listen", "http", "context", "kubeconfig"}
)
"""What of a cell no object is made of: where it is reached, and who may be placed there."""


def inputs_of(declared: DeclaredService, setting: Setting, depends: Sequence[Dependency]) -> str:
    """Cheap beside compiling. Ends in the repository's mark (see `repository_mark`)."""
    service = declared.service
    used = references(declared).values() if service.secrets else ()
    secrets = [setting.fingerprints.get(reference, "") for reference in used]
    doors = [[*each.key, each.port, each.alias] for each in depends]
    around = around_of(setting)
    facts = [declared.digest, service.image, around, secrets, doors]
    return f"{digest_of(facts)}-{mark_of(setting)}"


def around_of(setting: Setting) -> str:
    """Of the cell, the repository and this compiler: what every bundle is made from."""
    return _around(setting.cell, setting.repository)


def mark_of(setting: Setting) -> str:
    """The end of every inputs digest of the repository."""
    return _mark(setting.repository)


@lru_cache(maxsize=64)
def _around(cell: Cell, repository: str) -> str:
    return digest_of([COMPILER, repository, cell.model_dump(mode="json", exclude=set(_ELSEWHERE))])


@lru_cache(maxsize=64)
def _mark(repository: str) -> str:
    return repository_mark(repository)
