"""Taking up what a server left when it died: every operation that had not ended is finished
or undone. The first thing a server does, before it answers anybody."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from skerry.model.progress import Operation
from skerry.operations.concerned import services_of
from skerry.operations.delete import remove
from skerry.operations.deploy import carry_out
from skerry.operations.platform import Platform
from skerry.operations.restart import roll
from skerry.operations.scale import set_count
from skerry.operations.unhold import let_go
from skerry.operations.voice import Voice

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
}


async def resume(platform: Platform) -> tuple[Operation, ...]:
    """Begin again with all of them, oldest first, and return without waiting."""
    left = (await platform.ledger.operations(running=True, limit=10_000))[::-1]
    for operation in left:
        log.info("taking up %s %s of %s", operation.kind, operation.id, operation.subject)
        await platform.running.resume(
            operation, services_of(operation.request), _work(platform, KINDS[operation.kind])
        )
    return left


def _work(platform: Platform, kind: Kind) -> Callable[[Operation, Voice], Awaitable[None]]:
    return lambda operation, voice: kind(platform, operation, voice)
