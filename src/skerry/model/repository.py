"""A repository: the desired state. Its texts as read, and the models made of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from skerry.model.cell import Cell
from skerry.model.document import Document, Name
from skerry.model.service import Service


class Settings(Document):
    """`skerry.yaml`, at the root of a repository."""

    version: Literal[1] = Field(description="version of the format: 1")
    name: Name | None = Field(None, description="the repository's name; its folder's without one")
    defaults: dict[str, Any] = Field({}, description="fields every service starts from")
    required_tags: tuple[str, ...] = Field((), description="tags every service must have")
    teams: tuple[Name, ...] = Field((), description="the known teams; any when empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceText:
    """One YAML file as read: `path` relative to the repository's root, for messages."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """All a front door read from disk. `name` is the root folder's name; `contents` are the
    files that `files:` point to, by path relative to the root; `builds` gives, for each
    `build:` folder (likewise), the image built from it."""

    name: str
    texts: tuple[SourceText, ...]
    contents: Mapping[str, bytes] = field(default_factory=dict)
    builds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredService:
    """A service and where it was written. `folder` is what its relative paths start from."""

    service: Service
    file: str
    folder: str
    digest: str
    """Of the document, the defaults and the file contents: equal digest, equal model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """The desired state, valid as a whole. `name` says whose services these are: applying it
    removes what an earlier state of the same repository made, and nothing of another's."""

    name: str
    settings: Settings = field(default_factory=lambda: Settings(version=1))
    services: tuple[DeclaredService, ...] = ()
    cells: tuple[Cell, ...] = ()
