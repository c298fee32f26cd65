"""A connection to a simulated replica: it says back what it is told."""

import asyncio
from collections.abc import AsyncIterator


class MemoryTunnel:
    """A byte stream to something that echoes."""

    def __init__(self) -> None:
        self._said: asyncio.Queue[bytes] = asyncio.Queue()

    async def read(self) -> AsyncIterator[bytes]:
        """What was written, until it is closed."""
        while data := await self._said.get():
            yield data

    async def write(self, data: bytes) -> None:
        """Send; it comes back."""
        if data:
            self._said.put_nowait(data)

    async def close(self) -> None:
        """Hang up."""
        self._said.put_nowait(b"")
