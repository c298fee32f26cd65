"""How continuous mode stands: what it follows, what each cell has of it, and what is wrong."""

from dataclasses import dataclass
from datetime import datetime

from skerry.model.commit import Commit
from skerry.model.keys import ServiceKey
from skerry.model.world import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Something tried until it works: since when it does not, how often, and when again."""

    said: str = ""
    hint: str = ""
    since: datetime | None = None
    failures: int = 0
    again: datetime | None = None

    @property
    def failing(self) -> bool:
        """Whether the last try failed."""
        return self.failures > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryWatch:
    """The repository: `seen` is the branch's newest commit, `good` the newest whose documents
    are valid, which is what cells are kept at."""

    subject: str
    seen: Commit | None = None
    good: Commit | None = None
    looked: datetime | None = None
    trial: Trial = Trial()


@dataclass(frozen=True, slots=True, kw_only=True)
class CellWatch:
    """A cell: `tree` and `at` of the commit last applied whole. `findings` are those of the
    last look at every object, repaired or not; `held` is what was left alone, with the reason."""

    cell: str
    commit: Commit | None = None
    applied: datetime | None = None
    operation: str = ""
    held: tuple[tuple[ServiceKey, str], ...] = ()
    trial: Trial = Trial()
    verified: datetime | None = None
    findings: tuple[Finding, ...] = ()
    repaired: int = 0
    verifying: Trial = Trial()
