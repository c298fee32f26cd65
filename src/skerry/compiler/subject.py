"""What every part of the compiler is given: one service on its way to one cell."""

from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import join, normpath
from typing import Any

from skerry.errors import InvalidDocuments, Problem
from skerry.model.cell import Cell
from skerry.model.keys import ServiceKey
from skerry.model.repository import DeclaredService
from skerry.model.service import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A service this one depends on. `alias` says that this one brings the plain name of a
    target in another namespace: the first, by name, of those in its namespace that need it."""

    key: ServiceKey
    port: int | None
    foreign: bool = False
    alias: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all services of one compilation share. `contents` are the repository's files, by
    path from its root; `fingerprints` are keyed HMACs of the secrets' values, by reference."""

    cell: Cell
    repository: str
    contents: Mapping[str, bytes]
    fingerprints: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A service, its cell, and all that its objects are made of. `references` says where each
    secret comes from, by variable."""

    declared: DeclaredService
    setting: Setting
    depends: tuple[Dependency, ...]
    labels: dict[str, str]
    tags: dict[str, str]
    host: str | None
    references: dict[str, str]

    @property
    def service(self) -> Service:
        """The document."""
        return self.declared.service

    @property
    def cell(self) -> Cell:
        """Where it is to run."""
        return self.setting.cell

    @property
    def image(self) -> str:
        """The image to run; `build:` has been replaced by what was built."""
        return self.service.image or ""

    def metadata(self, name: str, annotations: Mapping[str, str] | None = None) -> dict[str, Any]:
        """An object's metadata, in the service's namespace."""
        return {
            "name": name,
            "namespace": self.service.namespace,
            "labels": self.labels,
            "annotations": {**self.tags, **(annotations or {})},
        }

    def problem(self, path: str, message: str, hint: str = "") -> Problem:
        """A fault only the compiler can see, at the service's document."""
        return _problem(self.declared, path, message, hint=hint)


def references(declared: DeclaredService) -> dict[str, str]:
    """Where each secret comes from, by variable, its namespace spelt out. Raises
    InvalidDocuments for a secret of another namespace, whatever spec let through."""
    try:
        return declared.service.references
    except ValueError as error:
        raise InvalidDocuments([_problem(declared, "secrets", str(error))]) from error


def content_path(declared: DeclaredService, written: str) -> str:
    """A file named in a document -> its path from the repository's root."""
    return normpath(join(declared.folder, written))


def _problem(declared: DeclaredService, path: str, message: str, *, hint: str = "") -> Problem:
    where = f"{declared.service.service}/{path}"
    return Problem(file=declared.file, line=declared.line, path=where, message=message, hint=hint)
