"""The sockets of one address: UDP and TCP on port 53."""

import asyncio
import errno
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, NamedTuple

from skerry.integrations.gateway.resolver.quota import Quota

PORT = 53
IDLE_SECONDS = 10.0
AT_ONCE = 64
_LARGEST = 4096  # no question is longer
_QUEUE_BYTES = 1 << 20
_IP_FREEBIND = 15  # linux/in.h; Python does not name it


class Visitor(NamedTuple):
    """Who asks, and how."""

    host: str
    tcp: bool


# Given a message and its sender: the answer, now or later. No bytes: say nothing.
Answer = Callable[[bytes, Visitor], bytes | Awaitable[bytes]]
Later = Callable[[Coroutine[Any, Any, None]], None]


class Listener:
    """One address. `open()` may be called again until nothing waits."""

    def __init__(self, host: str, answer: Answer, *, later: Later, connections: Quota) -> None:
        self.host = host
        self._answer = answer
        self._later = later
        self._connections = connections
        self._udp: socket.socket | None = None
        self._tcp: asyncio.Server | None = None

    async def open(self) -> str:
        """Listen. Says what it waits for, when an address is taken; empty when all is well."""
        try:
            if self._udp is None:
                self._udp = _bound(self.host, socket.SOCK_DGRAM)
                asyncio.get_running_loop().add_reader(self._udp, self._receive, self._udp)
            if self._tcp is None:
                listening = _bound(self.host, socket.SOCK_STREAM)
                self._tcp = await asyncio.start_server(self._converse, sock=listening)
        except OSError as error:
            code = error.errno or errno.EIO
            return f"port {PORT} at {self.host}: {os.strerror(code).lower()}"
        return ""

    def leave(self) -> None:
        """Take no new questions: those come to another process on this address, if there is
        one. What has come is answered still.

        A UDP socket that is connected gets from its peer alone; only then may what is queued
        be read to its end and no question be lost. Its peer is a port nobody sends from.
        """
        if self._tcp is not None:
            self._tcp.close()
        if self._udp is not None:
            with suppress(OSError):
                self._udp.connect((self.host, 1))
            self._receive(self._udp, _QUEUE_BYTES)  # more than can be queued
            asyncio.get_running_loop().remove_reader(self._udp)

    def close(self) -> None:
        """Let go of the address."""
        self.leave()
        if self._udp is not None:
            self._udp.close()
            self._udp = None

    def _receive(self, udp: socket.socket, most: int = AT_ONCE) -> None:
        for _ in range(most):
            try:
                message, client = udp.recvfrom(_LARGEST)
            except OSError:
                return
            answer = self._answer(message, Visitor(client[0], tcp=False))
            if isinstance(answer, bytes):
                self._send(answer, client)
            else:
                self._later(self._send_later(answer, client))

    async def _send_later(self, answer: Awaitable[bytes], client: tuple[str, int]) -> None:
        self._send(await answer, client)

    def _send(self, answer: bytes, client: tuple[str, int]) -> None:
        if answer and self._udp is not None:
            with suppress(OSError):  # nobody there any more, or a full queue: it asks again
                self._udp.sendto(answer, client)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visitor = Visitor(writer.get_extra_info("peername")[0], tcp=True)
        try:
            with self._connections.one(visitor.host) as room:
                while room:
                    async with asyncio.timeout(IDLE_SECONDS):
                        size = int.from_bytes(await reader.readexactly(2), "big")
                        message = await reader.readexactly(size)
                        answer = self._answer(message, visitor)
                        said = answer if isinstance(answer, bytes) else await answer
                        if not said:
                            return
                        writer.write(len(said).to_bytes(2, "big") + said)
                        await writer.drain()
        except (OSError, EOFError, TimeoutError):
            return
        finally:
            writer.close()


def _bound(host: str, kind: socket.SocketKind) -> socket.socket:
    """A socket at the address; shared with the process that this one replaces, and before
    the route is there that makes the address this machine's. Raises OSError."""
    made = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        if kind == socket.SOCK_DGRAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _QUEUE_BYTES)
        made.bind((host, PORT))
    except OSError:
        made.close()
        raise
    return made
