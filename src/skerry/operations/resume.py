"""Taking up what a server left when it died: every operation that had not ended is finished
or undone. The first thing a server does, before it answers anybody."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from skerry.model.progress import Operation
from skerry.operations.abort import stop
from skerry.operations.concerned import services_of
from skerry.operations.delete import remove
from skerry.operations.deploy import carry_out
from skerry.operations.fleet import Fleet
from skerry.operations.insisting import persist
from skerry.operations.platform import Platform
from skerry.operations.repair import put_right
from skerry.operations.restart import roll
from skerry.operations.scale import set_count
from skerry.operations.unhold import let_go
from skerry.operations.versions import carry_version
from skerry.operations.voice import Voice
from skerry.operations.way_back import carry_back

log = logging.getLogger(__name__)
Kind = Callable[[Platform, Operation, Voice], Awaitable[None]]

KINDS: Final[Mapping[str, Kind]] = {
    "apply": carry_out,
    "deploy": carry_out,
    "rollback": carry_out,
    "delete": remove,
    "down": remove,
    "restart": roll,
    "scale": set_count,
    "unhold": let_go,
    "repair": put_right,
    "rollout": carry_version,
    "stack-rollback": carry_back,
    "abort": stop,
}


async def resume(fleet: Fleet) -> tuple[Operation, ...]:
    """Begin again with all of them, oldest first, and return without waiting. One in a cell
    that does not answer goes on when it does."""
    left = (await fleet.ledger.operations(running=True, limit=10_000))[::-1]
    for operation in left:
        log.info("taking up %s %s of %s", operation.kind, operation.id, operation.subject)
        await fleet.running.resume(
            operation, services_of(operation.request), _work(fleet, KINDS[operation.kind])
        )
    return left


def _work(fleet: Fleet, kind: Kind) -> Callable[[Operation, Voice], Awaitable[None]]:
    async def go_on(operation: Operation, voice: Voice) -> None:
        platform = fleet.platform(operation.cell) if operation.cell else fleet.machine()
        await persist(platform.clock, lambda: _answer(platform))
        await kind(platform, operation, voice)

    return go_on


async def _answer(platform: Platform) -> None:
    await platform.cells.open()
    await platform.engine.index()
