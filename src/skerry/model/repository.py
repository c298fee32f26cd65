"""A repository: the desired state, as models made of its texts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, Self

from pydantic import Field, ValidationError

from skerry.errors import Problem
from skerry.model.cell import Cell
from skerry.model.document import Document, Name
from skerry.model.service import Service
from skerry.model.sources import Sources, SourceText

__all__ = [
    "DeclaredService",
    "DeclaredStack",
    "Repository",
    "Roster",
    "Settings",
    "SourceText",
    "Sources",
]


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


class Whereabouts(Protocol):
    """Where a document's tenants are written. Found when asked: most never are."""

    def line(self, tenant: str) -> int:
        """The line of the file a tenant's entry starts at."""

    def explain(
        self, tenant: str, document: Mapping[str, Any], error: ValidationError
    ) -> tuple[Problem, ...]:
        """What is wrong with the document made for a tenant, at its line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """The tenants one document declares, as written and of sound shape: plain values, no model
    each. `values` and `cells` are that document's own; `cells` empty: the stack's."""

    file: str
    line: int
    tenants: Mapping[str, Mapping[str, Any]]
    digests: Mapping[str, str]
    """Of what each tenant has otherwise."""
    where: Whereabouts = field(compare=False, repr=False)
    values: Mapping[str, str] = field(default_factory=dict)
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredStack:
    """A stack and where its template was written. A tenant's service is made of it when it is
    needed (`compiler.tenancy`), not before: ten thousand of them are mostly as they were.

    `template` is ready to fill: with the repository's defaults, its `build:` replaced by the
    image built from it, each entry of its `depends` written `namespace/name`. `chosen` are
    values of a roll-out: over the documents', below those a tenant has of its own.
    """

    name: str
    file: str
    folder: str
    template: Mapping[str, Any]
    digest: str
    """Of all its tenants have in common, its files and image included; without values."""
    rosters: tuple[Roster, ...]
    values: Mapping[str, str] = field(default_factory=dict)
    chosen: Mapping[str, str] = field(default_factory=dict)
    cells: tuple[str, ...] = ()
    residency: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    grace_seconds: float = 0.0
    line: int = 1

    def with_values(self, values: Mapping[str, str]) -> Self:
        """The stack with other values for every tenant that has none of its own."""
        return replace(self, chosen={**self.chosen, **values})

    @property
    def tenants(self) -> Iterator[str]:
        """The names of its tenants, in the order written."""
        return (tenant for roster in self.rosters for tenant in roster.tenants)

    def roster_of(self, tenant: str) -> Roster | None:
        """The document that declares the tenant."""
        return next((each for each in self.rosters if tenant in each.tenants), None)

    def values_for(self, roster: Roster) -> dict[str, str]:
        """What a roster's tenants fill their template with, before their own."""
        return {**self.values, **roster.values, **self.chosen}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """The desired state, valid as a whole. `name` says whose services these are: applying it
    removes what an earlier state of the same repository made, and nothing of another's."""

    name: str
    settings: Settings = field(default_factory=lambda: Settings(version=1))
    services: tuple[DeclaredService, ...] = ()
    stacks: tuple[DeclaredStack, ...] = ()
    cells: tuple[Cell, ...] = ()
