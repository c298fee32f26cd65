"""What a cell needs next: an ordered table, the first that fits. Pure: `now` is an argument."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from skerry.controllers.trying import waits
from skerry.model.commit import Commit
from skerry.model.reconcile import CellWatch


class Step(StrEnum):
    """What is done next."""

    APPLY = "apply"  # the commit, as far as the cell differs
    LOOK = "look"  # at every object for drift, and then as APPLY: time alone changes things too
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The step, why, and for WAIT until when at the latest."""

    step: Step
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that decides. `began` is when this server began to look after the cell, `asked` when
    somebody last asked for a look at everything, `every` the time between two such looks."""

    watch: CellWatch
    wanted: Commit | None
    began: datetime
    every: timedelta
    asked: datetime | None = None


FIRST_LOOK = timedelta(seconds=60)
"""Time after the start until every object is looked at: a start has enough to do."""


def next_step(here: Situation, *, now: datetime) -> Next:
    """What to do for a cell."""
    watch, wanted = here.watch, here.wanted
    if wanted is None:
        return Next(step=Step.WAIT, reason="no commit with valid documents is known")
    if watch.tried is None or watch.tried.tree != wanted.tree:
        return Next(step=Step.APPLY, reason=f"commit {wanted}")
    if here.asked is not None and (watch.looked is None or watch.looked < here.asked):
        return Next(step=Step.LOOK, reason="somebody asked")
    if watch.trial.failing and not waits(watch.trial, now=now):
        return Next(step=Step.APPLY, reason=f"try {watch.trial.failures + 1} of commit {wanted}")
    if now >= _look_due(here):
        return Next(step=Step.LOOK, reason=f"every {here.every}")
    reason = watch.trial.said if watch.trial.failing else "as the repository says"
    dues = [_look_due(here), *([watch.trial.again] if watch.trial.again is not None else [])]
    return Next(step=Step.WAIT, reason=reason, until=min(dues))


def _look_due(here: Situation) -> datetime:
    """A look that failed is tried again in its turn."""
    if here.watch.verifying.again is not None:
        return here.watch.verifying.again
    if here.watch.looked is None:
        return here.began + min(FIRST_LOOK, here.every)
    return here.watch.looked + here.every
