"""One writer of a service, in every process: where an operation's work begins."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import wraps
from typing import Final

from skerry.errors import Conflict
from skerry.model.progress import Operation
from skerry.operations.concerned import services_of
from skerry.operations.platform import Platform
from skerry.operations.voice import Voice

Work = Callable[[Platform, Operation, Voice], Awaitable[None]]
PATIENCE_SECONDS: Final = 45.0
"""What a dead server's hold on its services may still last, and more."""
_AGAIN_SECONDS: Final = 2.0


def alone(work: Work) -> Work:
    """Work on the services an operation names, while nobody else writes them. Raises Conflict
    at once, naming who does; taken up after a crash, once the dead one's hold has ended."""

    @wraps(work)
    async def one_at_a_time(platform: Platform, operation: Operation, voice: Voice) -> None:
        async with AsyncExitStack() as stack:
            await _take(stack, platform, operation, patient=voice.resumed)
            await work(platform, operation, voice)

    return one_at_a_time


async def _take(
    stack: AsyncExitStack, platform: Platform, operation: Operation, *, patient: bool
) -> None:
    services = services_of(operation.request)
    by = f"{operation.by} ({operation.kind} {operation.id})"
    end = platform.clock.monotonic() + (PATIENCE_SECONDS if patient else 0.0)
    while True:
        try:
            await stack.enter_async_context(platform.engine.writing(services, by=by))
            return
        except Conflict:
            if platform.clock.monotonic() >= end:
                raise
        await platform.clock.sleep(_AGAIN_SECONDS)
