"""Asks the machine's own name servers, and passes on what they say, unchanged."""

import asyncio
import secrets
import socket
from collections.abc import Collection
from contextlib import suppress
from itertools import count
from pathlib import Path

from skerry.clock import SystemClock
from skerry.integrations.gateway.resolver import messages
from skerry.integrations.gateway.resolver.messages import Question
from skerry.integrations.gateway.resolver.quota import Quota
from skerry.integrations.gateway.resolver.tables import signature
from skerry.integrations.gateway.resolvers import machine_resolvers
from skerry.model.proxy import Address

CLOCK = SystemClock()
ANSWER_SECONDS = 3.0
# Then the next server is asked too; an answer of the first still counts.
PATIENCE_SECONDS = 1.0
REFUSED_PAUSE_SECONDS = 0.2
MOST_PENDING = 1024
MOST_PENDING_OF_ONE = 256
MOST_SERVERS = 3  # as in the C library
_LARGEST = 65_535
_TRY_ANOTHER = (messages.SERVER_FAILURE, messages.NOT_IMPLEMENTED, 5)  # 5: refused


class Forwarder:
    """The way to the servers in a resolv.conf, which is read again when it changes."""

    def __init__(self, resolv_conf: Path) -> None:
        self._path = resolv_conf
        self._read: tuple[int, int] | None = None
        self._servers: tuple[Address, ...] = ()
        self._quota = Quota(most=MOST_PENDING, each=MOST_PENDING_OF_ONE)

    @property
    def pending(self) -> int:
        """How many questions wait for an answer."""
        return self._quota.used

    async def ask(
        self, message: bytes, asked: Question, *, client: str, tcp: bool, own: Collection[str] = ()
    ) -> bytes:
        """The answer of the first server that has one, or a failure after three seconds.

        A client that asked over TCP gets a long answer whole; another is told, by the server
        asked, that it is cut off. Servers in `own` are this process, and left out.
        """
        servers = [server for server in self._current() if server.host not in own]
        with self._quota.one(client) as room:
            if not room or not servers:
                return messages.failure(message, asked)
            query = messages.with_id(message, secrets.randbits(16))
            answer = None
            with suppress(TimeoutError, OSError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    answer = await self._over_udp(query, asked, servers)
                    if tcp and messages.truncated(answer):
                        answer = await _over_tcp(query, asked, servers) or answer
        if answer is None:
            return messages.failure(message, asked)
        return message[:2] + answer[2:]

    async def _over_udp(self, query: bytes, asked: Question, servers: list[Address]) -> bytes:
        unhappy: dict[Address, bytes] = {}
        with _Sockets(query, asked) as sockets:
            for turn in count():  # until the time is over
                sockets.send(servers[turn % len(servers)])
                try:
                    async with asyncio.timeout(PATIENCE_SECONDS):
                        server, heard = await sockets.heard.get()
                except TimeoutError:
                    continue
                if heard and messages.code(heard) not in _TRY_ANOTHER:
                    return heard
                if heard:
                    unhappy[server] = heard
                if len(unhappy) == len(servers):
                    return heard
                if turn + 1 >= len(servers):
                    await CLOCK.sleep(REFUSED_PAUSE_SECONDS)
        raise AssertionError("counting ends never")

    def _current(self) -> tuple[Address, ...]:
        with suppress(OSError):
            now = signature(str(self._path))
            if now != self._read:
                self._servers = machine_resolvers(self._path)[:MOST_SERVERS]
                self._read = now
        return self._servers


class _Sockets:
    """A socket of its own, so a random port, to each server asked. What comes back is put
    into `heard`: an answer, or nothing when the server cannot be reached."""

    def __init__(self, query: bytes, asked: Question) -> None:
        self._query = query
        self._asked = asked
        self._open: dict[Address, socket.socket] = {}
        self._loop = asyncio.get_running_loop()
        self.heard: asyncio.Queue[tuple[Address, bytes]] = asyncio.Queue()

    def __enter__(self) -> "_Sockets":
        return self

    def __exit__(self, *_: object) -> None:
        for opened in self._open.values():
            self._loop.remove_reader(opened)
            opened.close()

    def send(self, server: Address) -> None:
        """Ask this server, perhaps again."""
        try:
            self._to(server).send(self._query)
        except OSError:
            self.heard.put_nowait((server, b""))

    def _to(self, server: Address) -> socket.socket:
        if server not in self._open:
            family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
            opened = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            self._open[server] = opened
            opened.connect(server)  # so that nobody else is heard
            self._loop.add_reader(opened, self._receive, opened, server)
        return self._open[server]

    def _receive(self, opened: socket.socket, server: Address) -> None:
        try:
            answer = opened.recv(_LARGEST)
        except BlockingIOError:
            return
        except OSError:
            self.heard.put_nowait((server, b""))
            return
        if messages.answers(answer, self._query, self._asked):
            self.heard.put_nowait((server, answer))


async def _over_tcp(query: bytes, asked: Question, servers: list[Address]) -> bytes | None:
    """The whole answer of the first server that gives it."""
    for server in servers:
        with suppress(OSError, EOFError, TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                reader, writer = await asyncio.open_connection(*server)
                try:
                    writer.write(len(query).to_bytes(2, "big") + query)
                    size = int.from_bytes(await reader.readexactly(2), "big")
                    answer = await reader.readexactly(size)
                finally:
                    writer.close()
            if messages.answers(answer, query, asked):
                return answer
    return None
