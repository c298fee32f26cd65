"""Steps that must happen, however long it takes: what undoes or ends an operation."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from skerry.errors import Unavailable
from skerry.ports import Clock

log = logging.getLogger(__name__)
T = TypeVar("T")
LONGEST_SECONDS: Final = 10.0


async def insist(clock: Clock, act: Callable[[], Awaitable[T]]) -> T:
    """Try until it works, as long as the reason is that something does not answer: a full
    disk, a stopped engine. A server that ends meanwhile leaves the rest to the next one."""
    pause = 0.2
    while True:
        try:
            return await act()
        except Unavailable as error:
            log.warning("trying again in %.1fs: %s", pause, error)
        await clock.sleep(pause)
        pause = min(pause * 2, LONGEST_SECONDS)
