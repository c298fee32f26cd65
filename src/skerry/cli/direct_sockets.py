"""`exec`, `run` and `forward` without a server: what a WebSocket would carry, in this process."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from skerry.errors import Refused, SkerryError
from skerry.model.keys import ServiceKey
from skerry.model.process import Stream
from skerry.operations import everywhere
from skerry.operations.reach import exec_in, forward, run_beside
from skerry.report.views import error_body

if TYPE_CHECKING:
    from skerry.cli.direct import Direct
    from skerry.ports import Session, Tunnel

_PATH: Final = re.compile(r"/v1/services/([^/]+)/([^/]+)/(exec|run|forward)")
_MARKS: Final = {Stream.STDOUT: b"\x01", Stream.STDERR: b"\x02"}


@contextmanager
def open_here(
    door: "Direct", path: str, query: Sequence[tuple[str, str]]
) -> Iterator["LocalSocket"]:
    """What the path leads to, closed at the end. Raises SkerryError."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise Refused("is for a server, and none runs", subject=path, hint="skerry server")
    service = ServiceKey(unquote(found[1]), unquote(found[2]))
    socket = LocalSocket(door, door.run(_open(door, service, verb=found[3], query=query)))
    try:
        yield socket
    finally:
        socket.close()


class LocalSocket:
    """Frames as the API's WebSockets have them."""

    def __init__(self, door: "Direct", end: "Session | Tunnel") -> None:
        self._door = door
        self._end = end

    def __iter__(self) -> Iterator[bytes | str]:
        frames = self._frames()

        async def step() -> bytes | str | None:
            return await anext(frames, None)

        while (frame := self._door.run(step())) is not None:
            yield frame

    def send(self, data: bytes | str) -> None:
        """Input as bytes; a terminal's size, or the end of input, as JSON."""
        self._door.run(self._take(data))

    def close(self) -> None:
        """Hang up."""
        self._door.run(self._end.close())

    async def _frames(self) -> AsyncIterator[bytes | str]:
        end: Any = self._end
        try:
            if hasattr(end, "read"):
                async for data in end.read():
                    yield data
                return
            async for chunk in end.output():
                yield _MARKS[chunk.stream] + chunk.data
            yield json.dumps({"exit": await end.wait()})
        except SkerryError as error:
            yield json.dumps({"error": error_body(error)})

    async def _take(self, data: bytes | str) -> None:
        end: Any = self._end
        try:
            if isinstance(data, bytes):
                await end.write(data)
                return
            said = json.loads(data)
            if said.get("eof"):
                await end.write(b"")
            elif "resize" in said:
                await end.resize(*said["resize"])
        except (OSError, SkerryError):
            return  # the other side is done: reading says so


async def _open(
    door: "Direct", service: ServiceKey, *, verb: str, query: Sequence[tuple[str, str]]
) -> "Session | Tunnel":
    given = dict(query)
    fleet = await door.fleet()
    cells = [value for name, value in query if name == "cell"]
    platform = await everywhere.home(fleet, service, cells=cells)
    replica, tty = given.get("replica"), given.get("tty") == "true"
    if verb == "forward":
        port = int(given["port"]) if "port" in given else None
        return await forward(platform, service, port, replica=replica)
    command = [value for name, value in query if name == "command"]
    if verb == "exec":
        return await exec_in(platform, service, command, tty=tty, replica=replica)
    return await run_beside(platform, service, command, tty=tty)
