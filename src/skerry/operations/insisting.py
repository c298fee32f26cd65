"""Steps that must happen, however long it takes: what undoes or ends an operation."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from skerry.errors import Unavailable
from skerry.ports import Clock

log = logging.getLogger(__name__)
T = TypeVar("T")
LONGEST_SECONDS: Final = 10.0


class Standing(Protocol):
    """Where an operation runs: in a server, or in a command somebody waits for."""

    @property
    def clock(self) -> Clock:
        """What time it is."""

    @property
    def lasting(self) -> bool:
        """Whether it is there tomorrow."""


async def insist(platform: Standing, act: Callable[[], Awaitable[T]]) -> T:
    """In a server, try until it works. A command without one raises Unavailable: its cells
    remember, and the next apply finishes or undoes what is left."""
    return await (persist(platform.clock, act) if platform.lasting else act())


async def persist(clock: Clock, act: Callable[[], Awaitable[T]]) -> T:
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
