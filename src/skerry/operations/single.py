"""Operations on one service: take it, look, decide, begin."""

from collections.abc import Awaitable, Callable
from typing import Any

from skerry.errors import Conflict, NotFound
from skerry.model.access import Identity
from skerry.model.change import Plan
from skerry.model.keys import ServiceKey
from skerry.model.progress import Operation
from skerry.model.world import Scope, Snapshot
from skerry.observer.understand import understand
from skerry.operations.deploy import TRIES, carry_out
from skerry.operations.platform import Platform
from skerry.operations.running import Work
from skerry.operations.steps import steps_of, write_steps
from skerry.operations.voice import Voice


async def look_at(platform: Platform, service: ServiceKey) -> Snapshot:
    """One service as it is now. Raises NotFound."""
    scope = Scope(services=frozenset({service}))
    snapshot = understand(await platform.engine.observe(scope))
    if service not in snapshot.services:
        raise NotFound(
            "is not here",
            subject=service.at(platform.engine.cell.cell),
            hint="list services: skerry status",
        )
    return snapshot


async def begin_plan(
    platform: Platform,
    service: ServiceKey,
    kind: str,
    *,
    by: Identity,
    decide: Callable[[Snapshot], Awaitable[Plan]],
) -> Operation:
    """Begin what `decide` makes of the service as it is. Raises NotFound, Conflict."""

    async def draft() -> Operation:
        snapshot = await look_at(platform, service)
        steps = steps_of(await decide(snapshot), snapshot)
        request = {"service": list(service), "steps": write_steps(steps)}
        return _draft(platform, service, kind, by=by, request=request)

    async def work(operation: Operation, voice: Voice) -> None:
        await carry_out(platform, operation, voice)

    async with platform.planning:
        for _ in range(TRIES):
            seen = platform.running.ended
            started = await platform.running.start(await draft(), [service], work, seen=seen)
            if started is not None:
                return started
    raise Conflict("is being changed all the time", subject=service.at(platform.engine.cell.cell))


async def begin(
    platform: Platform,
    service: ServiceKey,
    kind: str,
    *,
    by: Identity,
    request: dict[str, Any],
    work: Work,
) -> Operation:
    """Begin other work on a service. Raises Conflict when it is being changed."""
    operation = _draft(
        platform, service, kind, by=by, request={"service": list(service), **request}
    )
    async with platform.planning:
        seen = platform.running.ended
        started = await platform.running.start(operation, [service], work, seen=seen)
    assert started is not None, "nothing ends between reading the mark and looking at it"
    return started


def _draft(
    platform: Platform,
    service: ServiceKey,
    kind: str,
    *,
    by: Identity,
    request: dict[str, Any],
) -> Operation:
    subject = service.at(platform.engine.cell.cell)
    return platform.running.draft(
        kind, by=by.name, subject=subject, request=request, cell=platform.name
    )
