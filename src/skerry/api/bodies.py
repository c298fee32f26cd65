"""The bodies requests carry. Unknown keys are errors; values are not repeated in messages."""

import base64
import binascii
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from skerry.errors import InvalidDocuments, Problem
from skerry.model.access import Role
from skerry.model.document import Name
from skerry.model.sources import Sources, SourceText

Path = Annotated[str, Field(min_length=1, max_length=4096)]
Image = Annotated[str, Field(min_length=1, max_length=512)]
ServiceName = Annotated[str, Field(max_length=100)]
Cells = Annotated[list[Name], Field(max_length=1000)]
Digest = Annotated[str, Field(max_length=100)]


class Body(BaseModel):
    """What every body is made of."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TextBody(Body):
    """One YAML file."""

    path: Path
    text: str


class SourcesBody(Body):
    """A repository as read from disk. `contents` are base64."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    texts: Annotated[list[TextBody], Field(max_length=20_000)]
    contents: dict[Path, str] = {}
    builds: dict[Path, Image] = {}

    def sources(self) -> Sources:
        """As the operations take it. Raises InvalidDocuments for what is no base64."""
        return Sources(
            name=self.name,
            texts=tuple(SourceText(path=each.path, text=each.text) for each in self.texts),
            contents={path: _decoded(path, data) for path, data in self.contents.items()},
            builds=self.builds,
        )


class PlanBody(Body):
    """POST /v1/plan. `cells` narrows; with `objects`, the answer holds all compiled objects."""

    sources: SourcesBody
    only: list[ServiceName] = []
    cells: Cells = []
    objects: bool = False


class ApplyBody(Body):
    """POST /v1/apply. With `plan`, the digest of a plan (by cell, where there are several; then
    no other cell is touched): exactly that or Conflict. `take_over` takes fields others own."""

    sources: SourcesBody
    only: list[ServiceName] = []
    cells: Cells = []
    objects: bool = False
    plan: Digest | dict[Name, Digest] | None = None
    take_over: bool = False


class DeployBody(Body):
    """Another image for what runs."""

    image: Image


class RollbackBody(Body):
    """To the release before, or to that number."""

    to: Annotated[int, Field(ge=1, le=2**31)] | None = None


class RolloutBody(Body):
    """POST /v1/rollouts. `waves` say how many tenants are done once each has ended, as
    `1%,10%,100%` or `5,50,100%`; `first` are tenants that go first; `max_failures` how many may
    fail before it halts."""

    sources: SourcesBody
    stack: Name
    version: Annotated[str, Field(min_length=1, max_length=512)]
    waves: Annotated[str, Field(max_length=1000)] = "100%"
    bake_seconds: Annotated[float, Field(ge=0, le=30 * 86400)] = 0
    first: Annotated[list[Name], Field(max_length=1000)] = []
    max_failures: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    cells: Cells = []


class ResumeBody(Body):
    """POST /v1/rollouts/{stack}/resume, with the documents it was begun with."""

    sources: SourcesBody
    cells: Cells = []


class AbortBody(Body):
    """What was done stays, or with `undo` is taken back."""

    undo: bool = False


class StackRollbackBody(Body):
    """In waves, as a roll-out; in one without."""

    waves: Annotated[str, Field(max_length=1000)] = "100%"


class ScaleBody(Body):
    """A count by hand, or null to give it back; for a while, or until told otherwise."""

    replicas: Annotated[int, Field(ge=0, le=1000)] | None = None
    for_seconds: Annotated[float, Field(gt=0, le=366 * 86400)] | None = None


class EmptyBody(Body):
    """Nothing to say."""


class DownBody(Body):
    """All services, or those of one repository; volumes stay unless told otherwise."""

    repository: Annotated[str, Field(max_length=200)] | None = None
    volumes: bool = False
    cells: Cells = []


class StopBody(Body):
    """With `gateway`, also the proxy and everything on the machine's network."""

    gateway: bool = False


class SecretBody(Body):
    """A secret's value."""

    value: Annotated[str, Field(repr=False, max_length=200_000)]


class TokenBody(Body):
    """A new token. No namespaces: all of them."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    role: Role = Role.VIEWER
    namespaces: Annotated[list[Name], Field(max_length=1000)] = []
    expires_seconds: Annotated[float, Field(gt=0, le=100 * 366 * 86400)] | None = None


def _decoded(path: str, data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        problem = Problem(
            file=path, line=1, path="contents", message="should be base64", hint="skerry plan"
        )
        raise InvalidDocuments([problem]) from None
