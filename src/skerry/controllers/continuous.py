"""Continuous mode: a repository's branch, and every cell kept as it says."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from skerry.controllers.branch import Branch, Desired
from skerry.controllers.keeper import GIT, Keeper, Wish
from skerry.loops import Tasks
from skerry.model.process import Check
from skerry.model.reconcile import CellWatch, RepositoryWatch, Trial
from skerry.operations.fleet import Fleet
from skerry.operations.platform import Platform
from skerry.ports import GitRepository

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuing:
    """How continuous mode stands."""

    repository: RepositoryWatch
    cells: tuple[CellWatch, ...]


class Continuous:
    """Looks at the branch each `poll_seconds`, and at every object of a cell each
    `look_seconds`. Level-based: a webhook only wakes it."""

    def __init__(
        self, fleet: Fleet, git: GitRepository, *, poll_seconds: float, look_seconds: float
    ) -> None:
        self._fleet = fleet
        self._branch = Branch(git, fleet.clock, load=fleet.load, every_seconds=poll_seconds)
        self._every = timedelta(seconds=look_seconds)
        self._keepers: dict[str, Keeper] = {}
        self._tasks = Tasks()
        self._following = Tasks()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._bell = asyncio.Event()

    @property
    def state(self) -> Continuing:
        """As it stands now."""
        return Continuing(
            repository=self._branch.watch,
            cells=tuple(self._keepers[name].watch for name in sorted(self._keepers)),
        )

    def start(self) -> None:
        """Begin, from whatever the cells hold now."""
        self._following.spawn(self._follow(), name="git")
        if self._branch.desired is not None:
            self._tell(self._branch.desired)

    async def stop(self) -> None:
        """Let go; what was begun is the operations' to end."""
        await self._following.close()
        await self._tasks.close()
        self._running.clear()
        self._keepers.clear()

    def wake(self) -> None:
        """Look at the branch now."""
        self._bell.set()

    def ask(self) -> None:
        """Look at the branch, and at every object of every cell, now."""
        for keeper in self._keepers.values():
            keeper.ask()
        self._bell.set()

    def checks(self) -> tuple[Check, ...]:
        """For `skerry doctor`: the repository, and each cell."""
        watch = self._branch.watch
        good = (
            f"{watch.subject} at {watch.good}" if watch.good else f"{watch.subject}: not read yet"
        )
        faults = [each for each in (watch.reaching, watch.reading) if each.failing]
        checks = [_check("repository", each) for each in faults] or [
            Check(name="repository", ok=True, message=good)
        ]
        for cell in self.state.cells:
            wrong = next((each for each in (cell.trial, cell.verifying) if each.failing), None)
            if wrong is not None:
                checks.append(_check(f"cell {cell.cell}", wrong))
        return tuple(checks)

    async def _follow(self) -> None:
        while True:
            self._bell.clear()
            if await self._branch.look() and self._branch.desired is not None:
                self._tell(self._branch.desired)
            try:
                async with asyncio.timeout(self._branch.pause_seconds()):
                    await self._bell.wait()
            except TimeoutError:
                continue

    def _tell(self, desired: Desired) -> None:
        """Every cell the commit declares: those no more declared are left as they are."""
        wishes = dict(self._wishes(desired))
        for name in set(self._keepers) - set(wishes):
            log.info("cell/%s: the repository does not declare it any more", name)
            self._running.pop(name).cancel()
            del self._keepers[name]
        for name, wish in wishes.items():
            if name not in self._keepers:
                self._keepers[name] = Keeper(name, self._fleet, every=self._every)
                run = self._keepers[name].run()
                self._running[name] = self._tasks.spawn(run, name=f"cell/{name}")
            self._keepers[name].wish(wish)

    def _wishes(self, desired: Desired) -> Iterator[tuple[str, Wish]]:
        repository = desired.repository
        for cell in repository.cells:
            only: Callable[[], Platform] = partial(self._meant, desired, cell.cell)
            yield cell.cell, Wish(desired=desired, platform=only, mode=cell.reconcile)
        if not repository.cells:
            for platform in self._fleet.meant(repository, by=GIT):
                mode = platform.cells.cell.reconcile
                only = partial(self._fleet.platform, platform.name)
                yield platform.name, Wish(desired=desired, platform=only, mode=mode)

    def _meant(self, desired: Desired, name: str) -> Platform:
        """Raises NotFound, Refused: that cell's own trouble."""
        (platform,) = self._fleet.meant(desired.repository, (name,), by=GIT)
        return platform


def _check(name: str, trial: Trial) -> Check:
    return Check(name=name, ok=False, message=trial.said, hint=trial.hint, stops=False)
