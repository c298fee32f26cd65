"""Trying again, later and later. `now` is an argument."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from skerry.errors import SkerryError, own_fault
from skerry.model.reconcile import Trial

log = logging.getLogger(__name__)
WELL: Final = Trial()


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds until the first try after a failure; each failure doubles them, up to a most."""

    first_seconds: float
    most_seconds: float

    def after(self, failures: int) -> timedelta:
        """How long to wait after so many failures in a row."""
        doubled = self.first_seconds * 2 ** min(failures - 1, 20)
        return timedelta(seconds=min(doubled, self.most_seconds))


def failed(trial: Trial, error: SkerryError, pace: Pace, *, now: datetime) -> Trial:
    """After one more failure. Since when: of the first in a row, whatever each said."""
    failures = trial.failures + 1
    return Trial(
        said=str(error),
        hint=error.hint,
        since=trial.since or now,
        failures=failures,
        again=now + pace.after(failures),
    )


@contextmanager
def faults_told(subject: str) -> Iterator[None]:
    """A loop outlives a fault of Skerry's own: it is in the log, and raised as an error that is
    tried again."""
    try:
        yield
    except SkerryError:
        raise
    except Exception as error:
        log.exception("%s: a fault of Skerry's own", subject)
        raise own_fault(subject) from error


def is_news(before: Trial, after: Trial) -> bool:
    """Whether this is to be said: once for each thing that is wrong, and once when it is over."""
    return (before.said, before.failing) != (after.said, after.failing)


def waits(trial: Trial, *, now: datetime) -> bool:
    """Whether the next try is not due yet."""
    return trial.again is not None and now < trial.again
