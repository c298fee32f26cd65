"""Kubernetes' channel protocol over a WebSocket: the first byte of a frame says whose it is."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, NamedTuple

import aiohttp
import orjson

STDIN: Final = 0
STDOUT: Final = 1
STDERR: Final = 2
ERROR: Final = 3
RESIZE: Final = 4
CLOSE: Final = 255
"""Version 5 only: ends the channel whose number follows."""
V5: Final = "v5.channel.k8s.io"
V4: Final = "v4.channel.k8s.io"


class Frame(NamedTuple):
    """A piece of one channel."""

    channel: int
    data: bytes


class Channels:
    """One WebSocket, told apart into channels."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    @property
    def closes_input(self) -> bool:
        """Whether the other side understands that input ends: in version 4 nothing says so."""
        return self._socket.protocol == V5

    async def frames(self) -> AsyncIterator[Frame]:
        """What comes, until the other side is done. Raises aiohttp.ClientError or OSError when
        the connection breaks."""
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.ERROR:
                raise self._socket.exception() or aiohttp.ClientConnectionError("broken")
            data = message.data.encode() if isinstance(message.data, str) else message.data
            if data:
                yield Frame(data[0], data[1:])

    async def send(self, channel: int, data: bytes) -> None:
        """To one channel. Nothing when the other side is gone: reading says so."""
        if not self._socket.closed:
            try:
                await self._socket.send_bytes(bytes((channel,)) + data)
            except (aiohttp.ClientError, ConnectionError):
                return

    async def end(self, channel: int) -> None:
        """Nothing more comes on this channel."""
        await self.send(CLOSE, bytes((channel,)))

    async def resize(self, rows: int, columns: int) -> None:
        """The terminal's size."""
        await self.send(RESIZE, orjson.dumps({"Width": columns, "Height": rows}))

    async def close(self) -> None:
        """Hang up."""
        await self._socket.close()


def exit_code(status: Mapping[str, Any]) -> int | None:
    """The exit code in the Status that ends a command, or None when it is another failure."""
    if status.get("status") == "Success":
        return 0
    if status.get("reason") != "NonZeroExitCode":
        return None
    causes = (status.get("details") or {}).get("causes") or ()
    codes = (each["message"] for each in causes if each.get("reason") == "ExitCode")
    return int(next(codes, "1"))
