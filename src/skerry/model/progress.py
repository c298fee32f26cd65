"""What a long operation says while it runs, and how it ended."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from skerry.model.world import ReplicaState


class Stage(StrEnum):
    """What an operation is doing to a service."""

    PLANNED = "planned"
    BEFORE = "before"  # running the `before:` command
    APPLYING = "applying"
    WAITING = "waiting"  # for replicas to be ready
    DRAINING = "draining"  # the old ones finish their work
    RESTORING = "restoring"  # bringing back the release before
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One thing that happened. A wait repeats itself with what it waits for and since when."""

    at: datetime
    stage: Stage
    message: str
    service: str = ""  # as ServiceKey prints; empty: the operation as a whole
    since: datetime | None = None
    replicas: tuple[ReplicaState, ...] = ()
    last_lines: tuple[str, ...] = ()
    number: int = 0  # order within the operation, from 1


class OperationState(StrEnum):
    """How an operation stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A long piece of work that survives its client and its server.

    `request` is all that is needed to take it up again after a crash (no secret values);
    `namespaces` are those of the services it changes. Lists leave the request out: one of an
    apply holds every object it applies.
    """

    id: str
    kind: str  # apply, deploy, rollback, scale, restart, delete, ...
    by: str
    at: datetime
    subject: str
    cell: str = ""  # where; empty when it was written before there could be several
    request: dict[str, Any] = field(default_factory=dict)
    namespaces: tuple[str, ...] = ()
    state: OperationState = OperationState.RUNNING
    error: str = ""
    hint: str = ""
    ended: datetime | None = None
