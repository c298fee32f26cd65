"""Waiting for the engine, out loud: what for, since when, per replica, at least every 3 s."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar, cast

from skerry.errors import DeployFailed
from skerry.loops import Tasks
from skerry.model.keys import ServiceKey
from skerry.model.objects import owner_of
from skerry.model.progress import Stage
from skerry.model.units import show_seconds
from skerry.model.world import Observation, ReplicaState, Scope
from skerry.observer.rollout import Done, Failed, Waiting, progress
from skerry.observer.understand import understand
from skerry.operations.platform import Platform
from skerry.operations.voice import Voice

T = TypeVar("T")
REPEAT_SECONDS: Final = 3.0


async def wait_until_up(
    platform: Platform,
    service: ServiceKey,
    voice: Voice,
    *,
    deadline_seconds: float,
    stage: Stage | None = None,
) -> None:
    """Return once every wanted replica is ready and every old one gone. Raises DeployFailed,
    with the last the container said, when it cannot become so or the deadline has passed."""

    def look(observation: Observation) -> Sight:
        state = understand(observation).services.get(service)
        if state is None:
            return Sight(Waiting(reason="the engine to begin"))
        far = progress(state)
        if isinstance(far, Waiting) and observation.problems:
            far = Waiting(reason=f"{far.reason}; {observation.problems[0]}", draining=far.draining)
        return Sight(far, state.replicas)

    wait = _Wait(service, look, stage=stage)
    await _wait(platform, wait, voice, deadline_seconds=deadline_seconds)


async def wait_until_gone(
    platform: Platform, service: ServiceKey, voice: Voice, *, deadline_seconds: float
) -> None:
    """Return once nothing of it runs. Raises DeployFailed at the deadline."""

    def look(observation: Observation) -> Sight:
        left = sum(owner_of(pod) == service for pod in observation.pods)
        state = understand(observation).services.get(service)
        if not left and state is None:
            return Sight(Done())
        count = f"{left} replica{'s' if left != 1 else ''}"
        said = Waiting(reason=f"{count} to finish the work they have and go", draining=True)
        return Sight(said, state.replicas if state is not None else ())

    wait = _Wait(service, look, stage=Stage.DRAINING)
    await _wait(platform, wait, voice, deadline_seconds=deadline_seconds)


@dataclass(frozen=True, slots=True)
class Sight:
    """How far it is, and every replica."""

    progress: Done | Failed | Waiting
    replicas: tuple[ReplicaState, ...] = ()

    @property
    def last_lines(self) -> tuple[str, ...]:
        """The last that one of its replicas said, those that failed first."""
        ordered = sorted(self.replicas, key=lambda each: (not each.failed, each.draining))
        return next((each.last_lines for each in ordered if each.last_lines), ())


@dataclass(slots=True)
class _Wait:
    """What is waited for, and how it looked last."""

    service: ServiceKey
    look: Callable[[Observation], Sight]
    stage: Stage | None
    last: Sight = Sight(Waiting(reason="the engine to say how it is"))
    told: object = None

    @property
    def message(self) -> str:
        """What is waited for."""
        return "nothing more" if isinstance(self.last.progress, Done) else self.last.progress.reason


async def _wait(platform: Platform, wait: _Wait, voice: Voice, *, deadline_seconds: float) -> None:
    since = platform.clock.now()
    try:
        await with_ticks(
            platform,
            _watch(platform, wait, voice, since=since),
            tick=lambda: _repeat(platform, wait, voice, since=since),
            deadline_seconds=deadline_seconds,
        )
    except TimeoutError:
        waited = show_seconds(round(deadline_seconds, 1))
        raise DeployFailed(
            f"not done after {waited}: {wait.message}",
            subject=wait.service.at(platform.engine.cell.cell),
            hint=f"skerry logs {wait.service}",
            last_lines=wait.last.last_lines,
        ) from None


async def _watch(platform: Platform, wait: _Wait, voice: Voice, *, since: datetime) -> None:
    scope = Scope(services=frozenset({wait.service}))
    async with aclosing(_generator(platform, scope)) as observations:
        async for observation in observations:
            wait.last = wait.look(observation)
            far = wait.last.progress
            if isinstance(far, Done):
                return
            if isinstance(far, Failed):
                raise DeployFailed(
                    far.reason,
                    subject=wait.service.at(platform.engine.cell.cell),
                    hint=f"skerry logs {wait.service}",
                    last_lines=far.last_lines or wait.last.last_lines,
                )
            told = (wait.message, [(each.name, each.reason) for each in wait.last.replicas])
            if told != wait.told:
                wait.told = told
                await _say(wait, voice, since=since)


async def _repeat(platform: Platform, wait: _Wait, voice: Voice, *, since: datetime) -> None:
    """Say it as it is now: the last news may be older than what is said every few seconds."""
    scope = Scope(services=frozenset({wait.service}))
    wait.last = wait.look(await platform.engine.observe(scope))
    await _say(wait, voice, since=since)


def _generator(platform: Platform, scope: Scope) -> AsyncGenerator[Observation, None]:
    """The port promises an iterator; what engines give are generators, which can be closed."""
    return cast("AsyncGenerator[Observation, None]", platform.engine.watch(scope))


async def _say(wait: _Wait, voice: Voice, *, since: datetime) -> None:
    far = wait.last.progress
    draining = isinstance(far, Waiting) and far.draining
    await voice.say(
        wait.stage or (Stage.DRAINING if draining else Stage.WAITING),
        wait.message,
        service=wait.service,
        since=since,
        replicas=wait.last.replicas,
        last_lines=wait.last.last_lines,
    )


async def with_ticks(
    platform: Platform,
    work: Coroutine[Any, Any, T],
    *,
    tick: Callable[[], Awaitable[None]],
    deadline_seconds: float,
) -> T:
    """The work's result, with a tick every few seconds until then. Raises TimeoutError at the
    deadline, and what the work raises."""
    clock, tasks = platform.clock, Tasks()
    end = clock.monotonic() + deadline_seconds
    job = tasks.spawn(_caught(work), name="the work waited for")
    try:
        while True:
            left = end - clock.monotonic()
            pause = tasks.spawn(clock.sleep(min(REPEAT_SECONDS, max(left, 0))), name="a pause")
            await asyncio.wait({job, pause}, return_when=asyncio.FIRST_COMPLETED)
            if job.done():
                ended: _Ended[T] = job.result()
                return ended.get()
            if clock.monotonic() >= end:
                raise TimeoutError
            await tick()
    finally:
        await tasks.close()


@dataclass(frozen=True, slots=True)
class _Ended(Generic[T]):
    """How the work ended: an error is for the one who waits, not for the log of lost tasks."""

    results: tuple[T, ...] = ()
    error: Exception | None = None

    def get(self) -> T:
        if self.error is not None:
            raise self.error
        return self.results[0]


async def _caught(work: Coroutine[Any, Any, T]) -> _Ended[T]:
    try:
        return _Ended(results=(await work,))
    except Exception as error:
        return _Ended(error=error)
