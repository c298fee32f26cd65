"""Replicas to route to: small HTTP servers in this process."""

import asyncio
from types import TracebackType

from skerry.model.proxy import Address


class Replica:
    """An HTTP/1.1 server that says its name, and counts.

    `/slow` answers after half a second, `/stream` in ten pieces of 50 ms, `/echo` sends the
    body back piece by piece as it comes, `/headers` what it was sent, anything else its name.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.served = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def address(self) -> Address:
        """Where it listens."""
        assert self._server
        return Address(*self._server.sockets[0].getsockname()[:2])

    async def __aenter__(self) -> "Replica":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None
    ) -> None:
        assert self._server
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.served += 1
                await self._answer(head, reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        path = head.split()[1]
        body = self.name.encode()
        if path == b"/slow":
            await asyncio.sleep(0.5)
        if path == b"/headers":
            body = head
        if path in (b"/stream", b"/echo"):
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            await (self._stream(writer) if path == b"/stream" else _echo(reader, writer))
            writer.write(b"0\r\n\r\n")
        else:
            length = b"content-length: %d\r\n\r\n" % len(body)
            writer.write(b"HTTP/1.1 200 OK\r\n" + length + body)
        await writer.drain()

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        for _ in range(10):
            writer.write(b"5\r\npiece\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while size := int(await reader.readuntil(b"\r\n"), 16):
        piece = await reader.readexactly(size)
        await reader.readexactly(2)
        writer.write(b"%x\r\n%s\r\n" % (size, piece))
        await writer.drain()
    await reader.readexactly(2)
