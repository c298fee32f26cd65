"""A one-off's container, with somebody attached.

Without a terminal its output is what the cluster keeps as its log: complete from the first
byte however late one comes, and read on after a break; outputs and errors are one there. With
a terminal, and for its input, it is attached to.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Any, Final, cast

import aiohttp

from skerry.engines.kubernetes.channels import ERROR, STDERR, STDIN, STDOUT, Channels
from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.podlife import Life, Started, life_of
from skerry.engines.kubernetes.replicas import own_container
from skerry.engines.kubernetes.sessions import open_channels
from skerry.errors import Conflict, EngineUnavailable, Refused, SkerryError
from skerry.loops import Tasks
from skerry.model.keys import ObjectKey
from skerry.model.objects import Manifest, key_of
from skerry.model.process import Chunk, Stream

_TICK_SECONDS: Final = 3.0
_AGAIN_SECONDS: Final = 1.0
_BREAKS: Final = 10
_GRACE_SECONDS: Final = 5
_INPUT_FRAME: Final = 32 * 1024


class RunSession:
    """Implements ports.Session. Closing it removes the Job and its pod."""

    def __init__(self, parts: Parts, job: Manifest, *, tty: bool, subject: str) -> None:
        self._parts = parts
        self._job: ObjectKey = key_of(job)
        self._tty = tty
        self._subject = subject
        self._tasks = Tasks()
        self._pod: dict[str, Any] | None = None
        self._moved = asyncio.Event()
        self._gone = False
        self._input: asyncio.Queue[bytes] = asyncio.Queue()
        self._sizes: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
        self._attached: asyncio.Task[Channels | None] | None = None
        self._closed = False
        self._tasks.spawn(self._follow(), name=f"pod of {self._job}")

    async def output(self) -> AsyncIterator[Chunk]:
        """What it says, until it ends; meanwhile, as errors, what its start waits for. Raises
        Conflict when it cannot be started, Refused when the cluster does not admit it."""
        said = ""
        while not isinstance(life := self._life(), Started):
            if self._pod is None:
                await self._check_admitted()
            if life.reason not in ("", said):
                said = life.reason
                yield Chunk(stream=Stream.STDERR, data=f"waits: {said}\r\n".encode())
            await self._next(_TICK_SECONDS)
        chunks = self._from_terminal() if self._tty else self._from_log()
        async with aclosing(cast("Any", chunks)):
            async for chunk in chunks:
                yield chunk

    async def write(self, data: bytes) -> None:
        """To its standard input, as soon as it runs; empty bytes end it."""
        self._input.put_nowait(data)
        self._attach()

    async def resize(self, rows: int, columns: int) -> None:
        """The terminal's size, as soon as there is one."""
        if self._tty:
            self._sizes.put_nowait((rows, columns))

    async def wait(self) -> int:
        """Its exit code, once it has ended. Raises as `output` does."""
        while True:
            life = self._life()
            if isinstance(life, Started) and life.exit_code is not None:
                return life.exit_code
            if self._gone:
                raise Conflict("its pod was taken away before it ended", subject=self._subject)
            await self._next(_TICK_SECONDS)

    async def close(self) -> None:
        """Leave; it is ended and removed."""
        if self._closed:
            return
        self._closed = True
        await self._tasks.close()
        if self._attached is not None and self._attached.done() and not self._attached.cancelled():
            channels = self._attached.result()
            if channels is not None:
                await channels.close()
        client = self._parts.client
        await client.delete(self._job)
        if self._pod is not None:
            await client.delete(key_of(self._pod), grace=_GRACE_SECONDS)

    def _life(self) -> Life:
        """Raises Conflict for what waiting does not help against."""
        if self._pod is None:
            return Life(reason="")
        life = life_of(self._pod)
        if life.failed:
            raise Conflict(life.reason, subject=self._subject, hint="skerry run -it NAME -- sh")
        return life

    async def _next(self, seconds: float) -> None:
        """The next news of the pod, at most so long."""
        self._moved.clear()
        tasks = Tasks()
        news = tasks.spawn(self._moved.wait(), name="news")
        pause = tasks.spawn(self._parts.clock.sleep(seconds), name="pause")
        try:
            await asyncio.wait({news, pause}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await tasks.close()

    async def _follow(self) -> None:
        """The Job's one pod, as it is."""
        labels = f"batch.kubernetes.io/job-name={self._job.name}"
        while True:
            with suppress(SkerryError):
                events = self._parts.client.watch(
                    "Pod", namespace=self._job.namespace, labels=labels
                )
                async with aclosing(cast("Any", events)):
                    async for event in events:
                        for pod in event.items or ((event.object,) if event.object else ()):
                            self._pod, self._gone = pod, event.type == "DELETED"
                            self._moved.set()
            await self._parts.clock.sleep(_AGAIN_SECONDS)

    async def _check_admitted(self) -> None:
        """Raises Refused when the cluster said that it makes no such pod."""
        fields = f"involvedObject.kind=Job,involvedObject.name={self._job.name},type=Warning"
        listed = self._parts.client.list("Event", namespace=self._job.namespace, fields=fields)
        async for event in listed:
            if event.get("reason") == "FailedCreate":
                said = str(event.get("message", "")).removeprefix("Error creating: ")
                raise Refused(f"the cluster does not admit it: {said}", subject=self._subject)

    def _attach(self) -> None:
        if self._attached is None:
            self._attached = self._tasks.spawn(self._open(), name=f"input of {self._job}")
            self._tasks.spawn(self._feed(self._attached), name=f"input of {self._job}")

    async def _open(self) -> Channels | None:
        """Attached, once it runs; None when it ended before, or will never start."""
        try:
            while not isinstance(life := self._life(), Started):
                await self._next(_TICK_SECONDS)
        except Conflict:
            return None  # who reads the output is told
        if life.exit_code is not None or self._pod is None:
            return None
        query = [("container", own_container(self._pod)), ("stdin", "true")]
        query += [("stdout", "true"), ("tty", "true")] if self._tty else []
        try:
            return await open_channels(self._parts, self._pod, "attach", query=query)
        except SkerryError:
            if self._tty:
                raise
            return None  # it ended meanwhile: its log says all of it

    async def _feed(self, attached: "asyncio.Task[Channels | None]") -> None:
        try:
            channels = await asyncio.shield(attached)
        except SkerryError:
            return  # who reads the output is told
        if channels is None:
            return
        if self._tty:
            while not self._sizes.empty():  # a terminal's size comes before the first key
                await channels.resize(*self._sizes.get_nowait())
            self._tasks.spawn(self._tell_size(channels), name=f"size of {self._job}")
        while data := await self._input.get():
            for start in range(0, len(data), _INPUT_FRAME):
                await channels.send(STDIN, data[start : start + _INPUT_FRAME])
        if channels.closes_input:
            await channels.end(STDIN)
        elif not self._tty:
            await channels.close()  # its input ends with the connection

    async def _tell_size(self, channels: Channels) -> None:
        while True:
            await channels.resize(*await self._sizes.get())

    async def _from_terminal(self) -> AsyncIterator[Chunk]:
        self._attach()
        assert self._attached is not None
        channels = await asyncio.shield(self._attached)
        if channels is None:  # it was too quick for us
            async for chunk in self._from_log():
                yield chunk
            return
        try:
            async for channel, data in channels.frames():
                if channel in {STDOUT, STDERR} and data:
                    yield Chunk(stream=Stream.STDOUT, data=data)
                elif channel == ERROR:
                    return
        except (aiohttp.ClientError, OSError) as error:
            said = f"the connection broke before the command ended: {error}"
            raise EngineUnavailable(said, subject=self._subject) from error

    async def _from_log(self) -> AsyncIterator[Chunk]:
        """Every byte once: after a break it is read again, past what was given."""
        given = breaks = 0
        while True:
            skip, ended = given, self._has_ended()
            try:
                async for data in self._log():
                    fresh = data[skip:]
                    skip = max(0, skip - len(data))
                    given += len(fresh)
                    if fresh:
                        yield Chunk(stream=Stream.STDOUT, data=fresh)
            except EngineUnavailable:
                breaks, ended = breaks + 1, False
                if breaks > _BREAKS:
                    raise
            if ended or self._gone:
                return
            if not self._has_ended():
                await self._next(_AGAIN_SECONDS)

    async def _log(self) -> AsyncIterator[bytes]:
        assert self._pod is not None
        key = key_of(self._pod)
        path = f"{self._parts.client.path_of(*key)}/log"
        query = {"container": own_container(self._pod), "follow": "true"}
        chunks = cast("Any", self._parts.client.stream(path, query))
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    def _has_ended(self) -> bool:
        life = self._life()
        return isinstance(life, Started) and life.exit_code is not None
