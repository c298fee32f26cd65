"""Connections to a port of a replica on this machine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from skerry.engines.local.replica import Phase, Replica
from skerry.engines.local.state import CellState
from skerry.errors import Conflict, NotFound
from skerry.model.keys import ServiceKey
from skerry.model.proxy import Address

_CHUNK_BYTES: Final = 65536
_CONNECT_SECONDS: Final = 5.0


class SocketTunnel:
    """A TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> AsyncIterator[bytes]:
        """What it sends, until it closes."""
        try:
            while data := await self._reader.read(_CHUNK_BYTES):
                yield data
        except ConnectionError:
            return

    async def write(self, data: bytes) -> None:
        """Send."""
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        with suppress(OSError):  # it was cut already
            await self._writer.wait_closed()


def choose(state: CellState, service: ServiceKey, replica: str | None, *, subject: str) -> Replica:
    """The replica named, or the best that runs. Raises NotFound, or Conflict when none runs."""
    candidates = [
        one
        for one in state.of(service)
        if replica in (None, one.pod) and one.phase is Phase.RUNNING and not one.retiring
    ]
    if candidates:
        return max(candidates, key=lambda one: (one.ready, one.born))
    if replica is not None and replica not in state.replicas:
        raise NotFound(f"has no replica {replica}", subject=subject)
    raise Conflict("none of its replicas runs", subject=subject, hint="skerry status")


async def open_tunnel(replica: Replica, port: int | None, *, routed: bool) -> SocketTunnel:
    """Raises Conflict when nothing listens there, or where only the service's own port can be
    reached."""
    subject = f"replica/{replica.pod}"
    address = replica.address
    if address is None:
        raise Conflict("listens on no port", subject=subject, hint="skerry status")
    own = replica.care.port or address.port
    if port is not None and port != own:
        if not routed:
            said = f"only its own port, {own}, can be reached from this machine"
            raise Conflict(said, subject=subject, hint=f"skerry exec -it {replica.service} -- sh")
        address = Address(address.host, port)
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(*address)
    except (OSError, TimeoutError) as error:
        said = f"nothing listens on port {address.port}: {error or 'timed out'}"
        raise Conflict(said, subject=subject) from error
    return SocketTunnel(reader, writer)
