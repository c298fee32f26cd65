"""The process as a whole: follows the file of names, listens, answers, and says how it is."""

import asyncio
import json
import logging
import os
import signal
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from skerry.clock import SystemClock
from skerry.integrations.gateway.resolver import messages, tables
from skerry.integrations.gateway.resolver.forwarder import Forwarder
from skerry.integrations.gateway.resolver.listeners import Listener, Visitor
from skerry.integrations.gateway.resolver.quota import Quota
from skerry.integrations.gateway.resolver.tables import NAMES_FILE
from skerry.loops import Tasks

log = logging.getLogger(__name__)

STATE_SOCKET = "resolver.sock"
LOOK_SECONDS = 1.0
FAREWELL_SECONDS = 4.0
BREATH_SECONDS = 0.02
MOST_CONNECTIONS = 256
MOST_CONNECTIONS_OF_ONE = 32


class Service:
    """Serves the tables of the folder that is its working directory."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarder = forwarder
        self._clock = SystemClock()
        self._tasks = Tasks()
        self._answers = Tasks()
        self._looking = asyncio.Lock()
        self._read: tuple[int, int] | None = None
        self._tables = tables.NOTHING
        self._listeners: dict[str, Listener] = {}
        self._waiting: dict[str, str] = {}
        self._connections = Quota(most=MOST_CONNECTIONS, each=MOST_CONNECTIONS_OF_ONE)

    async def run(self) -> None:
        """Serve until told to end (SIGTERM); then answer what is under way."""
        over = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
        await self.look()
        state = await self._open_state()
        self._tasks.spawn(self._keep_looking(), name="resolver: follow the file of names")
        await over.wait()
        state.close()
        await self._tasks.close()
        await self._farewell()

    async def look(self) -> None:
        """Serve what the file holds now. A file that cannot be read changes nothing."""
        async with self._looking:
            try:
                now = tables.signature(NAMES_FILE)
                if now is not None and now != self._read:
                    self._read = now
                    self._tables = tables.read(NAMES_FILE)
            except (OSError, ValueError) as error:
                log.error("%s cannot be read: %s", NAMES_FILE, error)
            await self._listen()

    async def _keep_looking(self) -> None:
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            await self.look()

    async def _listen(self) -> None:
        """Listen at the addresses of the tables and nowhere else; those that stay are not
        touched."""
        for host in self._listeners.keys() - self._tables.at.keys():
            self._listeners.pop(host).close()
        waiting = {}
        for host in self._tables.at:
            listener = self._listeners.get(host) or self._new_listener(host)
            if reason := await listener.open():
                waiting[host] = reason
        for reason in sorted({*waiting.values()} - {*self._waiting.values()}):
            log.warning("waiting for %s", reason)
        self._waiting = waiting

    def _new_listener(self, host: str) -> Listener:
        made = Listener(
            host,
            partial(self._answer, host),
            later=self._later,
            connections=self._connections,
        )
        self._listeners[host] = made
        return made

    def _answer(self, host: str, message: bytes, visitor: Visitor) -> bytes | Awaitable[bytes]:
        asked = messages.question(message)
        if asked is None:
            return messages.complaint(message)
        own = tables.answer(self._tables.at.get(host, {}), message, asked)
        if own is not None:
            return own
        return self._forwarder.ask(
            message, asked, client=visitor.host, tcp=visitor.tcp, own=self._tables.at
        )

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        self._answers.spawn(work, name="resolver: answer")

    async def _farewell(self) -> None:
        for listener in self._listeners.values():
            listener.leave()
        deadline = self._clock.monotonic() + FAREWELL_SECONDS
        await self._clock.sleep(BREATH_SECONDS)
        while self._forwarder.pending and self._clock.monotonic() < deadline:
            await self._clock.sleep(BREATH_SECONDS)
        await self._clock.sleep(BREATH_SECONDS)  # what was answered last is sent
        for listener in self._listeners.values():
            listener.close()
        await self._answers.close()

    async def _open_state(self) -> asyncio.Server:
        """Whoever connects is told what is served. The socket takes its place by rename, so
        that there is one at any time while a process is replaced."""
        own = f".{STATE_SOCKET}.{os.getpid()}"
        with suppress(FileNotFoundError):
            os.unlink(own)
        server = await asyncio.start_unix_server(self._say_state, own)
        os.replace(own, STATE_SOCKET)
        return server

    async def _say_state(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.look()
        state = {
            "pid": os.getpid(),
            "version": self._tables.version,
            "waiting": self._waiting,
            "pending": self._forwarder.pending,
        }
        with suppress(OSError):
            writer.write(json.dumps(state).encode())
            await writer.drain()
        writer.close()


async def serve(resolv_conf: Path) -> None:
    """Run the process, in the gateway's folder."""
    await Service(Forwarder(resolv_conf)).run()
