"""Commands inside a running replica, over the channel protocol."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import aiohttp
import orjson

from skerry.engines.kubernetes.channels import (
    ERROR,
    STDERR,
    STDIN,
    STDOUT,
    V4,
    V5,
    Channels,
    exit_code,
)
from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.replicas import own_container, reachable
from skerry.errors import Conflict, EngineUnavailable, SkerryError
from skerry.model.keys import ServiceKey
from skerry.model.process import Chunk, Stream
from skerry.model.starting import start_words

_STREAMS: Final = {STDOUT: Stream.STDOUT, STDERR: Stream.STDERR}
_INPUT_FRAME: Final = 32 * 1024


class ExecSession:
    """A command in a container. Implements ports.Session."""

    def __init__(self, channels: Channels, *, subject: str) -> None:
        self._channels = channels
        self._subject = subject
        self._ended: asyncio.Future[int | SkerryError] = asyncio.get_running_loop().create_future()

    async def output(self) -> AsyncIterator[Chunk]:
        """What it says, until it ends. Raises EngineUnavailable when the connection breaks."""
        try:
            async for channel, data in self._channels.frames():
                if channel in _STREAMS and data:
                    yield Chunk(stream=_STREAMS[channel], data=data)
                elif channel == ERROR and data:
                    self._end(self._read(data))
        except (aiohttp.ClientError, OSError) as error:
            self._end(self._cut(str(error)))
        if not self._ended.done():
            self._end(self._cut("the other side hung up"))
        result = self._ended.result()
        if isinstance(result, SkerryError):
            raise result

    async def write(self, data: bytes) -> None:
        """To its standard input; empty bytes end it where the cluster can be told so."""
        if not data:
            await self._close_input()
        for start in range(0, len(data), _INPUT_FRAME):
            await self._channels.send(STDIN, data[start : start + _INPUT_FRAME])

    async def resize(self, rows: int, columns: int) -> None:
        """The terminal's size."""
        await self._channels.resize(rows, columns)

    async def wait(self) -> int:
        """Its exit code. Raises Conflict when the command could not be started,
        EngineUnavailable when the connection broke before it ended."""
        if not self._ended.done():
            async for _ in self.output():
                pass
        result = await self._ended
        if isinstance(result, SkerryError):
            raise result
        return result

    async def close(self) -> None:
        """Leave. The command gets no more input; its output goes nowhere."""
        self._end(self._cut("it was left"))
        await self._channels.close()

    async def _close_input(self) -> None:
        if self._channels.closes_input:
            await self._channels.end(STDIN)

    def _read(self, data: bytes) -> int | SkerryError:
        status: dict[str, Any] = orjson.loads(data)
        code = exit_code(status)
        if code is not None:
            return code
        said = start_words(str(status.get("message") or "could not be started"))
        return Conflict(said, subject=self._subject, hint="skerry exec -it NAME -- sh")

    def _cut(self, why: str) -> EngineUnavailable:
        said = f"the connection broke before the command ended: {why}"
        return EngineUnavailable(said, subject=self._subject, hint="skerry status")

    def _end(self, result: int | SkerryError) -> None:
        if not self._ended.done():
            self._ended.set_result(result)


async def exec_in(
    parts: Parts,
    service: ServiceKey,
    command: Sequence[str],
    *,
    tty: bool,
    replica: str | None = None,
) -> ExecSession:
    """A command inside a running replica. Raises NotFound, or Conflict when none runs."""
    pod = await reachable(parts, service, replica)
    query = [
        *(("command", each) for each in command),
        ("container", own_container(pod)),
        ("stdin", "true"),
        ("stdout", "true"),
        *((("tty", "true"),) if tty else (("stderr", "true"),)),
    ]
    return ExecSession(
        await open_channels(parts, pod, "exec", query=query),
        subject=f"replica/{pod['metadata']['name']}",
    )


async def open_channels(
    parts: Parts, pod: dict[str, Any], verb: str, *, query: Sequence[tuple[str, str]]
) -> Channels:
    """The newest version of the protocol that the cluster speaks."""
    metadata = pod["metadata"]
    path = f"{parts.client.path_of('Pod', metadata['namespace'], metadata['name'])}/{verb}"
    return Channels(await parts.client.websocket(path, query, (V5, V4)))
