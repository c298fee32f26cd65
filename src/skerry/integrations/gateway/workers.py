"""Proof that every worker of Envoy has taken what its main thread has."""

import asyncio
from contextlib import suppress

from skerry.errors import GatewayUnavailable

_ASK = b"GET / HTTP/1.1\r\nhost: probe\r\n\r\n"
TIMEOUT_SECONDS = 5.0

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Workers:
    """One connection to each worker, through a listener that spreads them evenly.

    Envoy's main thread hands changes to its workers by a queue each. A worker that answers
    two requests, one after the other, has been through its queue in between: what the main
    thread reported before the first request, the worker serves after the second.
    """

    def __init__(self, socket: str, count: int) -> None:
        self._socket = socket
        self._count = count
        self._connections: list[Connection] = []

    async def settle(self) -> None:
        """Return once every worker is up to date. Raises GatewayUnavailable."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                try:
                    await self._twice()
                except (OSError, EOFError):  # another process by now: connect anew
                    self.disconnect()
                    await self._twice()
        except (OSError, EOFError, TimeoutError) as error:
            self.disconnect()
            raise GatewayUnavailable(
                "a worker of Envoy does not answer", subject="gateway", hint="skerry doctor"
            ) from error

    def disconnect(self) -> None:
        """Leave."""
        for _, writer in self._connections:
            writer.close()
        self._connections = []

    async def _twice(self) -> None:
        while len(self._connections) < self._count:
            connection = await asyncio.open_unix_connection(self._socket)
            self._connections.append(connection)
            await _ask(connection)  # placed on its worker before the next one comes
        for _ in range(2):
            await asyncio.gather(*(_ask(connection) for connection in self._connections))


async def _ask(connection: Connection) -> None:
    reader, writer = connection
    writer.write(_ASK)
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    if b"connection: close" in head.lower():
        with suppress(OSError):
            writer.close()
        raise EOFError("the process before this one")
