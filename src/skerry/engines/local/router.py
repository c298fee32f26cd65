"""Keeps the gateway's configuration what it should be; several changes become one."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from skerry.errors import GatewayUnavailable
from skerry.model.proxy import ProxyConfig
from skerry.ports import Clock, Gateway

log = logging.getLogger(__name__)

_FIRST_RETRY_SECONDS: Final = 0.1
_LONGEST_RETRY_SECONDS: Final = 5.0


class Router:
    """Programs the gateway. `settled()` is how anybody learns that a change took traffic, and
    `served` is told each configuration that did."""

    def __init__(
        self,
        gateway: Gateway,
        config: Callable[[], ProxyConfig],
        *,
        clock: Clock,
        say: Callable[[str], None],
        served: Callable[[ProxyConfig], None],
    ) -> None:
        self._gateway = gateway
        self._config = config
        self._clock = clock
        self._say = say
        self._served = served
        self._asked = 0
        self._done = 0
        self._wake = asyncio.Event()
        self._turned = asyncio.Condition()
        self._last: ProxyConfig | None = None

    def changed(self) -> None:
        """Something the configuration is made from changed."""
        self._asked += 1
        self._wake.set()

    async def settled(self) -> None:
        """Return once the gateway serves a configuration made after this call."""
        self.changed()
        mine = self._asked
        async with self._turned:
            await self._turned.wait_for(lambda: self._done >= mine)

    async def run(self) -> None:
        """Work until cancelled. The first configuration is made when something asks for it."""
        pause = _FIRST_RETRY_SECONDS
        while True:
            await self._wake.wait()
            self._wake.clear()
            asked, config = self._asked, self._config()
            try:
                if config != self._last:
                    await self._gateway.program(config)
                    self._last = config
                    self._served(config)
            except GatewayUnavailable as error:
                self._say(str(error))
                self._wake.set()
                await self._clock.sleep(pause)
                pause = min(pause * 2, _LONGEST_RETRY_SECONDS)
                continue
            pause = _FIRST_RETRY_SECONDS
            self._say("")
            async with self._turned:
                self._done = asked
                self._turned.notify_all()
