"""A stack's roll-outs in all cells that have its tenants: each cell its own, side by side.

A cell without the stack, or with nothing left of a roll-out, is none of the answers, unless it
is so in all of them: then that is the answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from skerry.model.access import Identity
from skerry.model.progress import Operation
from skerry.model.sources import Sources
from skerry.operations import abort as aborting
from skerry.operations import going_on, scopes, versions, way_back
from skerry.operations.cells import LOOK_SECONDS, PLAN_SECONDS, Replies, reach
from skerry.operations.deploy import Permit
from skerry.operations.fleet import Fleet
from skerry.operations.platform import Platform
from skerry.operations.standing import Standing, standings
from skerry.operations.versions import RolloutRequest


async def roll_out(
    fleet: Fleet,
    request: RolloutRequest,
    *,
    cells: Sequence[str] = (),
    permit: Permit | None = None,
) -> Replies[Operation]:
    """Begin in each cell the documents mean. Raises InvalidDocuments, NotFound, Refused."""
    scopes.require_stack(request.by, request.stack)
    repository = await asyncio.to_thread(fleet.load, request.sources)
    versions.find_stack(repository, request.stack)
    loaded = replace(request, repository=repository)

    async def begin(platform: Platform) -> Operation:
        return await versions.roll_out(platform, loaded, permit=permit)

    meant = fleet.meant(repository, cells, by=request.by)
    return (await reach(meant, begin, within_seconds=PLAN_SECONDS)).where_found()


async def go_on(
    fleet: Fleet,
    stack: str,
    *,
    sources: Sources,
    by: Identity,
    cells: Sequence[str] = (),
    permit: Permit | None = None,
) -> Replies[Operation]:
    """Begin to go on in each cell in which something is left of a roll-out."""
    scopes.require_stack(by, stack)
    repository = await asyncio.to_thread(fleet.load, sources)

    async def begin(platform: Platform) -> Operation:
        return await going_on.go_on(platform, stack, sources=sources, by=by, permit=permit)

    meant = fleet.meant(repository, cells, by=by)
    return (await reach(meant, begin, within_seconds=PLAN_SECONDS)).where_found()


async def abort(
    fleet: Fleet,
    stack: str,
    *,
    undo: bool,
    by: Identity,
    cells: Sequence[str] = (),
    permit: Permit | None = None,
) -> Replies[Operation]:
    """Begin to stop it in each cell in which one has not ended."""
    scopes.require_stack(by, stack)

    async def begin(platform: Platform) -> Operation:
        return await aborting.abort(platform, stack, undo=undo, by=by, permit=permit)

    return await _begun(fleet, cells, begin)


async def roll_back(
    fleet: Fleet,
    stack: str,
    *,
    steps: str,
    by: Identity,
    cells: Sequence[str] = (),
    permit: Permit | None = None,
) -> Replies[Operation]:
    """Begin to take the last one back in each cell that had one."""
    scopes.require_stack(by, stack)

    async def begin(platform: Platform) -> Operation:
        return await way_back.roll_back(platform, stack, by=by, steps=steps, permit=permit)

    return await _begun(fleet, cells, begin)


async def _begun(
    fleet: Fleet, cells: Sequence[str], begin: Callable[[Platform], Awaitable[Operation]]
) -> Replies[Operation]:
    found = await reach(fleet.platforms(cells), begin, within_seconds=PLAN_SECONDS)
    return found.where_found()


async def stands(
    fleet: Fleet, *, stack: str | None = None, by: Identity, cells: Sequence[str] = ()
) -> Replies[tuple[Standing, ...]]:
    """The last roll-out of each stack, in each cell."""
    found = await reach(
        fleet.platforms(cells),
        lambda platform: standings(platform, stack=stack, by=by),
        within_seconds=LOOK_SECONDS,
    )
    return found.some()
