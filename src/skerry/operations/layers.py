"""Many services at once, those that others stand on first."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import groupby
from typing import Final

from skerry.errors import DeployFailed, EngineUnavailable, SkerryError, Unavailable
from skerry.model.keys import ServiceKey
from skerry.model.progress import Stage
from skerry.operations.steps import Step
from skerry.operations.voice import Voice

AT_ONCE: Final = 64  # services brought up side by side: more only wait for the engine


async def in_layers(
    steps: Iterable[Step], act: Callable[[Step], Awaitable[None]], *, voice: Voice
) -> None:
    """Act on each step. One that fails stops those that depend on it, directly or through
    others of these steps; everything else carries on. Raises DeployFailed with all failures."""
    room = asyncio.Semaphore(AT_ONCE)
    failures: dict[ServiceKey, SkerryError] = {}
    skipped: dict[ServiceKey, ServiceKey] = {}

    async def one(step: Step) -> None:
        async with room:
            try:
                await act(step)
            except SkerryError as error:
                failures[step.service] = error

    ordered = sorted(steps, key=lambda step: step.change.layer)
    for _, layer in groupby(ordered, key=lambda step: step.change.layer):
        ready = []
        for step in layer:
            missing = step.depends & (failures.keys() | skipped.keys())
            if missing:
                skipped[step.service] = min(missing)
                said = f"not started: it depends on {min(missing)}, which failed"
                await voice.say(Stage.FAILED, said, service=step.service)
            else:
                ready.append(one(step))
        await asyncio.gather(*ready)
    if failures:
        raise _joined(failures, skipped, total=len(ordered))


def _joined(
    failures: Mapping[ServiceKey, SkerryError],
    skipped: Mapping[ServiceKey, ServiceKey],
    *,
    total: int,
) -> SkerryError:
    first = next(iter(failures.values()))
    if len(failures) == 1 and not skipped:
        return first
    if all(isinstance(each, Unavailable) for each in failures.values()):
        count = len(failures) + len(skipped)
        left = f"{count} of {total} services are left as they are: the next apply goes on"
        return EngineUnavailable(f"{first.cause}; {left}", subject=first.subject, hint=first.hint)
    said = [f"{service}: {error.cause}" for service, error in sorted(failures.items())]
    said += [f"{service}: not started, for it depends on {on}" for service, on in skipped.items()]
    count = len(failures) + len(skipped)
    return DeployFailed(
        f"{count} of {total} services are not as wanted: {'; '.join(said)}",
        hint=first.hint,
        last_lines=first.last_lines if isinstance(first, DeployFailed) else (),
    )
