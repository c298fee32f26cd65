"""How continuous mode stands: what it follows, what each cell has of it, and what is wrong."""

from dataclasses import dataclass
from datetime import datetime

from skerry.model.change import HeldBack
from skerry.model.commit import Commit
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
    are valid, which is what cells are kept at. `reaching` is git's part, `reading` the
    documents' at `seen`."""

    subject: str
    seen: Commit | None = None
    good: Commit | None = None
    looked: datetime | None = None
    reaching: Trial = Trial()
    reading: Trial = Trial()


@dataclass(frozen=True, slots=True, kw_only=True)
class CellWatch:
    """A cell. `tried` is the commit last planned for it, `commit` the last that was applied
    whole, at `applied`; `held` is what was left alone, with the reason.

    `findings` are those of the last look at every object, which ended at `verified`: repaired
    ones too, of which there were `repaired`. `looked` is when that look last began.
    """

    cell: str
    mode: str = ""
    tried: Commit | None = None
    commit: Commit | None = None
    applied: datetime | None = None
    looked: datetime | None = None
    operation: str = ""
    held: tuple[HeldBack, ...] = ()
    trial: Trial = Trial()
    verified: datetime | None = None
    findings: tuple[Finding, ...] = ()
    repaired: int = 0
    verifying: Trial = Trial()
