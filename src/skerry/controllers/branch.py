"""Following the branch: its newest commit whose documents are valid is what cells are kept at."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from skerry.controllers.trying import WELL, Pace, failed, faults_told, is_news
from skerry.errors import InvalidDocuments, Refused, SkerryError
from skerry.model.commit import Commit
from skerry.model.reconcile import RepositoryWatch, Trial
from skerry.model.repository import Repository
from skerry.model.sources import Sources
from skerry.operations.commits import CommitReader
from skerry.ports import Clock, GitRepository

log = logging.getLogger(__name__)
PACE: Final = Pace(first_seconds=5, most_seconds=300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What the repository says, valid as a whole."""

    commit: Commit
    sources: Sources
    repository: Repository


class Branch:
    """One branch of one repository, looked at each `every_seconds` or when woken."""

    def __init__(
        self,
        git: GitRepository,
        clock: Clock,
        *,
        load: Callable[[Sources], Repository],
        every_seconds: float,
    ) -> None:
        self._git = git
        self._clock = clock
        self._reader = CommitReader(git)
        self._load = load
        self._every = every_seconds
        self.watch = RepositoryWatch(subject=git.subject)
        self.desired: Desired | None = None

    async def look(self) -> bool:
        """Look once; whether there is something new for the cells. Never raises for what it
        finds: the last good state stays."""
        before = self.watch
        reaching, reading, news = WELL, before.reading, False
        try:
            with faults_told(self._git.subject):
                commit = await self._git.newest()
                if before.seen is None or before.seen.id != commit.id:
                    reading = await self._read(commit)
                    news = not reading.failing
        except SkerryError as error:
            reaching = failed(before.reaching, error, PACE, now=self._clock.now())
        self.watch = replace(
            self.watch, reaching=reaching, reading=reading, looked=self._clock.now()
        )
        for was, now, subject in (
            (before.reaching, reaching, self._git.subject),
            (before.reading, reading, f"{self._git.subject}: commit {self.watch.seen}"),
        ):
            if is_news(was, now):
                say(subject, now)
        return news

    def pause_seconds(self) -> float:
        """Until the next look, when nobody wakes it."""
        again = self.watch.reaching.again
        if again is None:
            return self._every
        return min(self._every, max(0.1, (again - self._clock.now()).total_seconds()))

    async def _read(self, commit: Commit) -> Trial:
        """Make it what the cells are kept at, when it is valid. Raises Unavailable."""
        try:
            sources = await self._reader.read(commit)
            repository = await asyncio.to_thread(self._load, sources)
        except (InvalidDocuments, Refused) as error:
            self.watch = replace(self.watch, seen=commit)
            return self._fault(error)
        self.desired = Desired(commit=commit, sources=sources, repository=repository)
        self.watch = replace(self.watch, seen=commit, good=commit)
        return WELL

    def _fault(self, error: SkerryError) -> Trial:
        """Only another commit helps: it is not tried again."""
        trial = failed(WELL, error, PACE, now=self._clock.now())
        return replace(trial, again=None)


def say(subject: str, trial: Trial) -> None:
    """In the log, once."""
    if trial.failing:
        log.warning("%s: %s", subject, trial.said)
    else:
        log.info("%s: well again", subject)
