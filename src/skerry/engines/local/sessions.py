"""Processes somebody is attached to: commands in a running replica, and one-off containers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import aiohttp
from aiodocker.exceptions import DockerError
from aiodocker.execs import Exec
from aiodocker.stream import Stream as Hijacked

from skerry.engines.local.api import ApiError, ContainerApi, part
from skerry.engines.local.multiplex import lines_of
from skerry.errors import EngineUnavailable
from skerry.model.process import Chunk, Stream

_STREAMS: Final = {1: Stream.STDOUT, 2: Stream.STDERR}
# Podman notes an exit code a moment after the output ended.
_EXIT_PAUSE_SECONDS: Final = 0.05

Exit = Callable[[], Awaitable[int | None]]
Resize = Callable[[int, int], Awaitable[None]]
Leave = Callable[[], Awaitable[None]]
Sleep = Callable[[float], Awaitable[None]]


class AttachedSession:
    """A hijacked connection to a process. Implements ports.Session."""

    def __init__(
        self, stream: Hijacked, *, exit_code: Exit, resize: Resize, leave: Leave, sleep: Sleep
    ) -> None:
        self._stream = stream
        self._exit_code = exit_code
        self._resize = resize
        self._leave = leave
        self._sleep = sleep
        self._over = asyncio.Event()
        self._closed = False

    async def output(self) -> AsyncIterator[Chunk]:
        """What it says, until it ends."""
        try:
            while (message := await self._stream.read_out()) is not None:
                yield Chunk(stream=_STREAMS.get(message.stream, Stream.STDOUT), data=message.data)
        except (aiohttp.ClientError, OSError):
            pass  # the connection ends with the process
        self._over.set()

    async def write(self, data: bytes) -> None:
        """Send to its standard input; empty bytes close it."""
        try:
            if data:
                await self._stream.write_in(data)
            else:
                self._end_input()
        except (aiohttp.ClientError, OSError, AssertionError):
            pass  # it ended meanwhile: `wait` says how

    async def resize(self, rows: int, columns: int) -> None:
        """Tell it its terminal's size."""
        await self._resize(rows, columns)

    async def wait(self) -> int:
        """Its exit code, once it has ended. Reads on when nobody reads the output."""
        while True:
            code = await self._exit_code()
            if code is not None:
                return code
            await self._sleep(_EXIT_PAUSE_SECONDS if self._over.is_set() else 0.25)

    async def close(self) -> None:
        """Leave."""
        if self._closed:
            return
        self._closed = True
        await self._stream.close()
        await self._leave()

    def _end_input(self) -> None:
        response = self._stream._resp
        connection = response.connection if response is not None else None
        transport = connection.transport if connection is not None else None
        if transport is not None and transport.can_write_eof():
            transport.write_eof()


async def exec_session(
    api: ContainerApi, container: str, command: Sequence[str], *, tty: bool, sleep: Sleep
) -> AttachedSession:
    """Run a command in a running container. Raises ApiError, EngineUnavailable."""
    made = await api.call(
        "POST",
        f"containers/{part(container)}/exec",
        body={
            "Cmd": list(command),
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "Tty": tty,
        },
    )
    identity = str(made["Id"])
    stream = Exec(api.docker, identity, tty).start()
    await _open(stream, api)

    async def exit_code() -> int | None:
        said = await api.call("GET", f"exec/{identity}/json")
        return None if said["Running"] else int(said["ExitCode"] or 0)

    async def resize(rows: int, columns: int) -> None:
        if tty:
            await _resized(api, f"exec/{identity}/resize", rows=rows, columns=columns)

    async def leave() -> None:
        """The command ends by itself, or with its container."""

    return AttachedSession(stream, exit_code=exit_code, resize=resize, leave=leave, sleep=sleep)


async def attach(
    api: ContainerApi, container: str, *, tty: bool, leave: Leave, sleep: Sleep
) -> AttachedSession:
    """Attach to a created container, and start it."""
    stream = api.docker.containers.container(container).attach(
        stdin=True, stdout=True, stderr=True, logs=False
    )
    await _open(stream, api)
    await api.call("POST", f"containers/{part(container)}/start")

    async def exit_code() -> int | None:
        state = (await api.call("GET", f"containers/{part(container)}/json"))["State"]
        ended = state["Status"] in ("exited", "stopped", "dead")
        return int(state["ExitCode"]) if ended else None

    async def resize(rows: int, columns: int) -> None:
        if tty:
            await _resized(api, f"containers/{part(container)}/resize", rows=rows, columns=columns)

    return AttachedSession(stream, exit_code=exit_code, resize=resize, leave=leave, sleep=sleep)


async def run_quietly(api: ContainerApi, container: str, command: Sequence[str]) -> tuple[int, str]:
    """Run a command in a container nobody is attached to: its exit code, and what it said."""
    made = await api.call(
        "POST",
        f"containers/{part(container)}/exec",
        body={"Cmd": list(command), "AttachStdout": True, "AttachStderr": True},
    )
    identity = made["Id"]
    body: Mapping[str, Any] = {"Detach": False, "Tty": False}
    async with api.open("POST", f"exec/{identity}/start", body=body) as answer:
        said = await answer.content.read(64 * 1024)
    looked = await api.call("GET", f"exec/{identity}/json")
    return int(looked["ExitCode"] or 0), "\n".join(text for _, text in lines_of(said))


async def _open(stream: Hijacked, api: ContainerApi) -> None:
    try:
        await stream.__aenter__()
    except DockerError as error:
        raise ApiError(error.status, str(error.message)) from error
    except (aiohttp.ClientError, OSError) as error:
        raise EngineUnavailable(
            f"the container engine at {api.url} does not answer: {error}", subject="engine"
        ) from error


async def _resized(api: ContainerApi, path: str, *, rows: int, columns: int) -> None:
    try:
        await api.call("POST", path, query={"h": str(rows), "w": str(columns)})
    except ApiError as error:
        if error.status not in (404, 409, 500):  # it ended meanwhile
            raise
