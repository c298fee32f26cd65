"""What a cell needs next, and how long to wait after a failure."""

from dataclasses import replace
from datetime import timedelta

import pytest

from skerry.controllers.schedule import FIRST_LOOK, Situation, Step, next_step
from skerry.controllers.trying import WELL, Pace, failed, is_news, waits
from skerry.errors import EngineUnavailable
from skerry.model.commit import Commit
from skerry.model.reconcile import CellWatch
from tests.fakes.clock import NOON

EVERY = timedelta(minutes=30)
PACE = Pace(first_seconds=15, most_seconds=1800)
OLD, NEW = (Commit(id=each * 40, tree=each, subject="s", by="ada", at=NOON) for each in ("1", "2"))
DOWN = EngineUnavailable("does not answer", subject="cell/eu-1")
KEPT = CellWatch(cell="eu-1", tried=OLD, commit=OLD, applied=NOON, looked=NOON)
FAILING = replace(KEPT, tried=NEW, trial=failed(WELL, DOWN, PACE, now=NOON))
LOOK_FAILED = replace(KEPT, verifying=failed(WELL, DOWN, PACE, now=NOON))


def here(watch: CellWatch, wanted: Commit | None = OLD, **kind: object) -> Situation:
    made = Situation(watch=watch, wanted=wanted, began=NOON, every=EVERY)
    return replace(made, **kind)  # type: ignore[arg-type]  # fields by name


CASES = {
    "nothing is known yet": (here(KEPT, None), 0, Step.WAIT),
    "the first commit": (here(CellWatch(cell="eu-1")), 0, Step.APPLY),
    "another commit": (here(KEPT, NEW), 1, Step.APPLY),
    "another commit that changed nothing here": (
        here(KEPT, replace(NEW, tree=OLD.tree)),
        1,
        Step.WAIT,
    ),
    "as it should be": (here(KEPT), 60, Step.WAIT),
    "time for a look": (here(KEPT), 1800, Step.LOOK),
    "somebody asks": (here(KEPT, asked=NOON + timedelta(seconds=5)), 6, Step.LOOK),
    "somebody asked before the last look": (here(KEPT, asked=NOON - EVERY), 6, Step.WAIT),
    "failed, not yet its turn": (here(FAILING, NEW), 14, Step.WAIT),
    "failed, its turn": (here(FAILING, NEW), 15, Step.APPLY),
    "failed, and another commit": (here(FAILING, OLD), 1, Step.APPLY),
    "a look failed, its turn": (here(LOOK_FAILED), 15, Step.LOOK),
    "a start leaves the first look for later": (
        here(replace(KEPT, looked=None)),
        FIRST_LOOK.total_seconds() - 1,
        Step.WAIT,
    ),
    "and then looks": (here(replace(KEPT, looked=None)), FIRST_LOOK.total_seconds(), Step.LOOK),
}


@pytest.mark.parametrize(("situation", "seconds", "step"), CASES.values(), ids=CASES.keys())
def test_the_first_rule_that_fits_decides(situation: Situation, seconds: float, step: Step) -> None:
    found = next_step(situation, now=NOON + timedelta(seconds=seconds))
    assert found.step is step
    assert found.reason


def test_waiting_ends_when_something_is_due() -> None:
    found = next_step(here(FAILING, NEW), now=NOON + timedelta(seconds=1))
    assert found.until == NOON + timedelta(seconds=15)
    assert next_step(here(KEPT), now=NOON).until == NOON + EVERY


def test_each_failure_doubles_the_wait_up_to_a_most() -> None:
    trial, waited = WELL, []
    for _ in range(9):
        trial = failed(trial, DOWN, PACE, now=NOON)
        assert trial.again is not None
        waited.append((trial.again - NOON).total_seconds())
    assert waited == [15, 30, 60, 120, 240, 480, 960, 1800, 1800]
    assert trial.since == NOON
    assert waits(trial, now=NOON + timedelta(seconds=1799))
    assert not waits(trial, now=NOON + timedelta(seconds=1800))


def test_the_same_trouble_is_no_news() -> None:
    once = failed(WELL, DOWN, PACE, now=NOON)
    again = failed(once, DOWN, PACE, now=NOON)
    other = failed(again, EngineUnavailable("is full"), PACE, now=NOON)
    assert is_news(WELL, once)
    assert not is_news(once, again)
    assert is_news(again, other)
    assert is_news(other, WELL)
