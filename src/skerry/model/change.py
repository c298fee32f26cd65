"""What is to change, and what was: plans, outcomes, releases, holds."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import orjson

from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import HOLD, Manifest, annotation


class Action(StrEnum):
    """What a change does to a service."""

    CREATE = "create"
    UPDATE = "update"  # rolled: new replicas beside the old
    REPLACE = "replace"  # stopped first: it has a volume
    CONFIGURE = "configure"  # objects change, no replica does
    DELETE = "delete"
    SETTLE = "settle"  # nothing changes: a release that was begun is waited for, or undone


class Did(StrEnum):
    """What happened to an object. Past participles, as in every report."""

    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A service kept at a release outside the repository.

    It ends when the document's inputs digest differs from `inputs`, or by `unhold`.
    """

    by: str
    at: datetime
    reason: str
    inputs: str


def write_hold(hold: Hold) -> str:
    """The hold as the Deployment's annotation holds it."""
    facts = {"by": hold.by, "at": hold.at, "reason": hold.reason, "inputs": hold.inputs}
    return orjson.dumps(facts).decode()


def hold_of(deployment: Manifest) -> Hold | None:
    """The hold on a service, or None."""
    written = annotation(deployment, HOLD)
    if written is None:
        return None
    facts = orjson.loads(written)
    return Hold(
        by=facts["by"],
        at=datetime.fromisoformat(facts["at"]),
        reason=facts["reason"],
        inputs=facts["inputs"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One service's change: exactly these objects applied, exactly those deleted, and why.

    `apply` are those that differ; `objects` is all of the service, which its release records.
    Changes of a lower `layer` are done, and healthy, before those of a higher one start.
    `diff` is for people: lines starting with `+`, `-` or two spaces, secrets masked.
    `warnings` say what the cell's engine cannot do, and how long a replaced service is away.
    """

    service: ServiceKey
    action: Action
    reason: str
    layer: int = 0
    apply: tuple[Manifest, ...] = ()
    objects: tuple[Manifest, ...] = ()
    delete: tuple[ObjectKey, ...] = ()
    before: Manifest | None = None
    diff: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    inputs: str = ""
    deadline_seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """A change that is not made, and why."""

    service: ServiceKey
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The ordered changes from a snapshot to the bundles, for one cell.

    `digest` covers the changes: the same digest does the same thing.
    """

    cell: str
    changes: tuple[Change, ...]
    held: tuple[HeldBack, ...] = ()
    unchanged: int = 0
    digest: str = ""

    @property
    def empty(self) -> bool:
        """Whether applying it would do nothing."""
        return not self.changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one object."""

    key: ObjectKey
    did: Did


class Verdict(StrEnum):
    """How a release ended, or that it has not."""

    DEPLOYING = "deploying"
    DEPLOYED = "deployed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A numbered record of what was deployed. Immutable but for its verdict.

    `objects` are the compiled manifests (no secret values), so that a rollback renders
    nothing anew.
    """

    service: ServiceKey
    number: int
    image: str
    by: str
    at: datetime
    reason: str
    inputs: str
    objects: tuple[Manifest, ...]
    verdict: Verdict = Verdict.DEPLOYING
    verdict_reason: str = ""
    before: Manifest | None = None
