"""What the pod double's containers say and run: lines kept as a log, real processes for
commands. They run on this machine with nothing but the pod's plain environment."""

import asyncio
import fcntl
import os
import pty
import struct
import termios
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

CRASHED = ("starting", "no such table: users")
PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass
class Container:
    """One container: its log and, after a restart, that of the one before. `process` is there
    where a real command runs."""

    lines: list[tuple[str, bytes]] = field(default_factory=list)
    previous: list[tuple[str, bytes]] = field(default_factory=list)
    over: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    process: "Command | None" = None

    @property
    def last_lines(self) -> str:
        """The end of what this container said, or the one before."""
        return b"".join(line for _, line in (self.lines or self.previous)[-80:]).decode()

    def say(self, data: bytes) -> None:
        """Output, whole lines or not."""
        stamp = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "123Z")
        for line in data.splitlines(keepends=True):
            self.lines.append((stamp, line))
        self._ring()

    def end(self) -> None:
        """Nothing more comes."""
        self.over = True
        self._ring()

    def restart(self) -> None:
        """Another one in its place."""
        self.previous, self.lines, self.over = self.lines, [], False
        self._ring()

    def _ring(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    async def read(self, *, follow: bool) -> AsyncIterator[tuple[str, bytes]]:
        """What was said; with follow, until this container ends."""
        lines, given = self.lines, 0
        while True:
            changed = self.changed
            while given < len(lines):
                yield lines[given]
                given += 1
            if not follow or self.over or lines is not self.lines:
                return
            await changed.wait()


class Command:
    """A real process with its three streams, or a terminal instead of them."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], *, tty: bool) -> None:
        self.command, self.tty = list(command), tty
        self.env = {"PATH": PATH, **env}
        self.process: asyncio.subprocess.Process | None = None
        self._terminal = -1

    async def start(self) -> None:
        """Raises OSError when there is no such program."""
        pipe = asyncio.subprocess.PIPE
        if not self.tty:
            self.process = await asyncio.create_subprocess_exec(
                *self.command, env=self.env, stdin=pipe, stdout=pipe, stderr=pipe
            )
            return
        self._terminal, inner = pty.openpty()
        self.process = await asyncio.create_subprocess_exec(
            *self.command,
            env=self.env,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """(1, out) and (2, err) until it closes both."""
        assert self.process
        queue: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue()
        if self.tty:
            readers = [self._read_terminal(queue)]
        else:
            assert self.process.stdout and self.process.stderr
            readers = [
                self._read(self.process.stdout, 1, queue),
                self._read(self.process.stderr, 2, queue),
            ]
        tasks = [asyncio.ensure_future(each) for each in readers]
        left = len(tasks)
        try:
            while left:
                said = await queue.get()
                if said is None:
                    left -= 1
                else:
                    yield said
        finally:
            for task in tasks:
                task.cancel()

    async def write(self, data: bytes) -> None:
        """To its input; empty bytes end it."""
        assert self.process
        if self.tty:
            os.write(self._terminal, data or b"\x04")
            return
        assert self.process.stdin
        with suppress(ConnectionError):
            if data:
                self.process.stdin.write(data)
                await self.process.stdin.drain()
            else:
                self.process.stdin.close()

    def resize(self, rows: int, columns: int) -> None:
        """Of the terminal."""
        if self._terminal >= 0:
            fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    async def wait(self) -> int:
        """Its exit code, as a shell says it."""
        assert self.process
        code = await self.process.wait()
        return code if code >= 0 else 128 - code

    def kill(self) -> None:
        """End it."""
        if self.process and self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.kill()

    async def _read(self, stream: asyncio.StreamReader, number: int, queue: Any) -> None:
        while data := await stream.read(65536):
            queue.put_nowait((number, data))
        queue.put_nowait(None)

    async def _read_terminal(self, queue: Any) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):  # what a terminal says when nobody is left at its other end
            while data := await loop.run_in_executor(None, os.read, self._terminal, 65536):
                queue.put_nowait((1, data))
        queue.put_nowait(None)


def environment(pod: Mapping[str, Any]) -> dict[str, str]:
    """The plain variables of a pod's first container."""
    env = pod["spec"]["containers"][0].get("env") or ()
    return {each["name"]: each["value"] for each in env if "value" in each}


def arguments(pod: Mapping[str, Any]) -> list[str]:
    """What a pod's first container runs."""
    container = pod["spec"]["containers"][0]
    return [*(container.get("command") or ()), *(container.get("args") or ("true",))]
