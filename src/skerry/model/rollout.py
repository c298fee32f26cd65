"""A roll-out: one change carried through a stack's tenants in waves, as its cell keeps it."""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson


class RolloutState(StrEnum):
    """How a roll-out stands."""

    RUNNING = "running"
    HALTED = "halted"  # by itself, because tenants failed; the rest is untouched
    DONE = "done"
    ABORTED = "aborted"  # by somebody; what was done stays


class Towards(StrEnum):
    """What a roll-out gives its tenants."""

    VERSION = "version"  # the documents with another version
    BACK = "back"  # what they had before an earlier roll-out


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """One stack's roll-out in one cell. Decided at its start: which tenants, in which waves.

    `wave` counts from 0; it is the number of waves that are finished. `since` is when the
    present wave began, `baking` when all of it was up. `failed` are tenants whose release
    failed, each with the reason: they run again what they ran before. `skipped` are tenants
    left alone, with the reason. `source` is a digest of what the stack's template and values
    were, so that going on with another is noticed. `carrier` is the process at it, `heard`
    when it last wrote.
    """

    id: str
    stack: str
    cell: str
    repository: str
    towards: Towards = Towards.VERSION
    version: str
    by: str
    at: datetime
    waves: tuple[tuple[str, ...], ...]
    bake_seconds: float = 0.0
    max_failures: int = 0
    source: str = ""
    attempts: tuple[datetime, ...]
    """When it began, and when it was taken up again after a halt: its releases bear these."""
    undoes: tuple[datetime, ...] = ()
    """The attempts of the roll-out that this one takes back."""
    skipped: Mapping[str, str] = field(default_factory=dict)
    state: RolloutState = RolloutState.RUNNING
    reason: str = ""
    wave: int = 0
    since: datetime
    baking: datetime | None = None
    failed: Mapping[str, str] = field(default_factory=dict)
    up: int = 0
    """Tenants of the present wave that are up."""
    carrier: str = ""
    heard: datetime | None = None

    @property
    def tenants(self) -> int:
        """How many there are in all waves."""
        return sum(len(each) for each in self.waves)

    @property
    def present(self) -> tuple[str, ...]:
        """The tenants of the present wave; none when all waves are finished."""
        return self.waves[self.wave] if self.wave < len(self.waves) else ()

    @property
    def finished(self) -> int:
        """Tenants of finished waves, and those of the present one that are up."""
        return sum(len(each) for each in self.waves[: self.wave]) + self.up


def write_rollout(rollout: Rollout) -> dict[str, Any]:
    """As JSON holds it. The names of ten thousand tenants are packed: a cell keeps small facts."""
    return {
        "id": rollout.id,
        "stack": rollout.stack,
        "cell": rollout.cell,
        "repository": rollout.repository,
        "towards": rollout.towards.value,
        "version": rollout.version,
        "by": rollout.by,
        "at": rollout.at.isoformat(),
        "waves": _packed(rollout.waves),
        "bake_seconds": rollout.bake_seconds,
        "max_failures": rollout.max_failures,
        "source": rollout.source,
        "attempts": [each.isoformat() for each in rollout.attempts],
        "undoes": [each.isoformat() for each in rollout.undoes],
        "skipped": _packed(dict(rollout.skipped)),
        "state": rollout.state.value,
        "reason": rollout.reason,
        "wave": rollout.wave,
        "since": rollout.since.isoformat(),
        "baking": _moment(rollout.baking),
        "failed": dict(rollout.failed),
        "up": rollout.up,
        "carrier": rollout.carrier,
        "heard": _moment(rollout.heard),
    }


def read_rollout(fact: Mapping[str, Any]) -> Rollout:
    """What `write_rollout` wrote."""
    parts = dict(fact)
    for name in ("at", "since", "baking", "heard"):
        parts[name] = None if parts[name] is None else datetime.fromisoformat(parts[name])
    for name in ("attempts", "undoes"):
        parts[name] = tuple(datetime.fromisoformat(each) for each in parts[name])
    parts["towards"] = Towards(parts["towards"])
    parts["state"] = RolloutState(parts["state"])
    parts["waves"] = tuple(tuple(each) for each in _unpacked(parts["waves"]))
    parts["skipped"] = _unpacked(parts["skipped"])
    return Rollout(**parts)


def fact_name(stack: str) -> str:
    """Under which name a cell keeps a stack's roll-out."""
    return f"rollout/{stack}"


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _packed(value: object) -> str:
    return base64.b64encode(zlib.compress(orjson.dumps(value))).decode()


def _unpacked(written: str) -> Any:
    return orjson.loads(zlib.decompress(base64.b64decode(written)))
