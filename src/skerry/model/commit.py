"""A commit of a git repository: what continuous mode follows."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One state of a branch. `tree` is the digest of the folder that is followed: two commits
    with the same tree declare the same."""

    id: str
    tree: str
    subject: str
    by: str
    at: datetime

    @property
    def short(self) -> str:
        """As people write it."""
        return self.id[:10]

    def __str__(self) -> str:
        return f"{self.short} {self.subject}".strip()


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file at a commit: the digest of its bytes, or, for a link, of the path it leads to."""

    blob: str
    link: bool = False
