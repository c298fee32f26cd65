"""Keeping one cell as the repository says. One per cell, so that none waits for another."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from skerry.controllers.branch import Desired, say
from skerry.controllers.schedule import Situation, Step, next_step
from skerry.controllers.trying import WELL, Pace, failed, faults_told, is_news
from skerry.errors import EngineUnavailable, SkerryError
from skerry.model.access import Identity, Role
from skerry.model.cell import Reconcile
from skerry.model.progress import Operation, OperationState
from skerry.model.reconcile import CellWatch, Trial
from skerry.model.world import Finding
from skerry.operations.auditing import note
from skerry.operations.deploy import Request, begin
from skerry.operations.fleet import Fleet
from skerry.operations.platform import Platform
from skerry.operations.repair import repair, repairable

log = logging.getLogger(__name__)
GIT: Final = Identity(name="git", role=Role.ADMIN)
PACE: Final = Pace(first_seconds=15, most_seconds=1800)
PLAN_SECONDS: Final = 900.0  # ten thousand tenants, all of them new, on a busy machine
VERIFY_SECONDS: Final = 900.0
FINDINGS_KEPT: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a keeper is told: the documents, and the cell they are for, as they say it now."""

    desired: Desired
    platform: Callable[[], Platform]
    mode: Reconcile = Reconcile.REPAIR


class Keeper:
    """Applies each commit to its cell, and looks after drift every `every`."""

    def __init__(self, cell: str, fleet: Fleet, *, every: timedelta) -> None:
        self._fleet = fleet
        self._now = fleet.clock.now
        self._every = every
        self._began = fleet.clock.now()
        self._asked: datetime | None = None
        self._bell = asyncio.Event()
        self._wish: Wish | None = None
        self.watch = CellWatch(cell=cell)

    def wish(self, wish: Wish) -> None:
        """What is wanted from now on."""
        self._wish = wish
        self._bell.set()

    def ask(self) -> None:
        """Look at everything now."""
        self._asked = self._now()
        self._bell.set()

    async def run(self) -> None:
        """Until cancelled. What goes wrong is in `watch`, and tried again."""
        while True:
            self._bell.clear()
            wish = self._wish
            following = next_step(self._situation(wish), now=self._now())
            if wish is None or following.step is Step.WAIT:
                await self._rest(following.until)
            elif following.step is Step.LOOK:
                await self._look(wish)
            else:
                await self._apply(wish)

    def _situation(self, wish: Wish | None) -> Situation:
        return Situation(
            watch=self.watch,
            wanted=None if wish is None else wish.desired.commit,
            began=self._began,
            every=self._every,
            asked=self._asked,
        )

    async def _rest(self, until: datetime | None) -> None:
        seconds = None if until is None else max(0.1, (until - self._now()).total_seconds())
        try:
            async with asyncio.timeout(seconds):
                await self._bell.wait()
        except TimeoutError:
            return

    async def _apply(self, wish: Wish) -> None:
        """Stop at the first error: the next try plans anew, and finds what is left."""
        commit = wish.desired.commit
        self.watch = replace(self.watch, tried=commit, mode=wish.mode.value)
        try:
            with faults_told(f"cell/{self.watch.cell}"):
                ended = await self._begin(wish)
            if ended is not None:
                _check(ended)
        except SkerryError as error:
            return self._tell(failed(self.watch.trial, error, PACE, now=self._now()))
        self.watch = replace(self.watch, commit=commit, applied=self._now())
        return self._tell(WELL)

    async def _begin(self, wish: Wish) -> Operation | None:
        platform = wish.platform()
        desired = wish.desired

        async def permit(subject: str) -> None:
            said = str(desired.commit)
            await note(
                self._fleet, by=GIT.name, action="apply", subject=subject, allowed=True, detail=said
            )

        request = Request(
            sources=desired.sources,
            repository=desired.repository,
            by=GIT,
            because=str(desired.commit),
            drift=False,  # as the cell's document says, in `_verify`
        )
        async with _within(platform, PLAN_SECONDS):
            await platform.cells.open()
            begun = await begin(platform, request, permit=permit)
        self.watch = replace(self.watch, held=begun.planned.plan.held)
        if begun.operation is None:
            return None
        self.watch = replace(self.watch, operation=begun.operation.id)
        return await platform.running.wait(begun.operation.id)

    async def _look(self, wish: Wish) -> None:
        """1. Every object, where the cell wants that. Carry on: what is found is one thing, what
        the documents say another. 2. As the documents say."""
        self.watch = replace(self.watch, looked=self._now(), mode=wish.mode.value)
        if wish.mode is not Reconcile.OFF:
            before = self.watch.verifying
            try:
                with faults_told(f"cell/{self.watch.cell}"):
                    await self._verify(wish)
                after = WELL
            except SkerryError as error:
                after = failed(before, error, PACE, now=self._now())
            self.watch = replace(self.watch, verifying=after)
            if is_news(before, after):
                say(f"cell/{self.watch.cell}", after)
        await self._apply(wish)

    async def _verify(self, wish: Wish) -> None:
        platform = wish.platform()
        found: list[Finding] = []
        async with _within(platform, VERIFY_SECONDS):
            await platform.cells.open()
            async for finding in platform.engine.verify():
                found.append(finding)
        kept = tuple(found[:FINDINGS_KEPT])
        self.watch = replace(self.watch, findings=kept, verified=self._now(), repaired=0)
        if found:
            log.info("cell/%s: %d objects are not as applied", self.watch.cell, len(found))
        if wish.mode is not Reconcile.REPAIR or not repairable(found):
            return
        begun = await repair(platform, found, by=GIT)
        _check(await platform.running.wait(begun.id))
        self.watch = replace(self.watch, repaired=len(repairable(found)))

    def _tell(self, trial: Trial) -> None:
        before = self.watch.trial
        self.watch = replace(self.watch, trial=trial)
        if is_news(before, trial):
            say(f"cell/{self.watch.cell}", trial)


def _check(ended: Operation) -> None:
    """Raises what it failed with."""
    if ended.state is OperationState.FAILED:
        raise SkerryError(ended.error, subject=ended.subject, hint=ended.hint)


@asynccontextmanager
async def _within(platform: Platform, seconds: float) -> AsyncIterator[None]:
    """A time limit that says whose it was."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise EngineUnavailable(
            f"did not answer within {seconds:.0f}s",
            subject=f"cell/{platform.name}",
            hint="skerry cells",
        ) from None
