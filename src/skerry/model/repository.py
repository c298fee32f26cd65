"""A repository: the desired state, as models made of its texts."""

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from skerry.model.cell import Cell
from skerry.model.document import Document, Name
from skerry.model.service import Service
from skerry.model.sources import Sources, SourceText

__all__ = ["DeclaredService", "Repository", "Settings", "SourceText", "Sources"]


class Settings(Document):
    """`skerry.yaml`, at the root of a repository."""

    version: Literal[1] = Field(description="version of the format: 1")
    name: Name | None = Field(None, description="the repository's name; its folder's without one")
    defaults: dict[str, Any] = Field(
        default_factory=dict,
        description="fields every service starts from; maps are merged, and the document wins",
    )
    required_tags: tuple[str, ...] = Field((), description="tags every service must have")
    teams: tuple[Name, ...] = Field((), description="the known teams; any when empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredService:
    """A service and where it was written. `folder` is what its relative paths start from.

    `service` is ready to compile: its `build:` is replaced by the image built from it (where
    one was), and each entry of its `depends` is written `namespace/name`.
    """

    service: Service
    file: str
    folder: str
    digest: str
    """Of the document with its defaults, and of its files and image: equal digest, equal model."""
    line: int = 1
    """Where its document starts in the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """The desired state, valid as a whole. `name` says whose services these are: applying it
    removes what an earlier state of the same repository made, and nothing of another's."""

    name: str
    settings: Settings = field(default_factory=lambda: Settings(version=1))
    services: tuple[DeclaredService, ...] = ()
    cells: tuple[Cell, ...] = ()
