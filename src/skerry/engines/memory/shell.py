"""The commands simulated containers know, and sessions with them.

`echo WORDS`, `exit CODE`, `cat` (its input, until it ends) and `sleep` (until the session
is closed), alone or joined by `;` within `sh -c`, with `$NAME` from the environment.
Anything else: `not found`, exit 127. With a terminal there is one output, as everywhere.
"""

import asyncio
import shlex
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from string import Template

from skerry.model.process import Chunk, Stream

ENDED = None


class MemorySession:
    """A simulated process somebody is attached to. `on_end` is called once, at its end."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], *, on_end: Callable[[], None]
    ) -> None:
        self._steps = _steps(command, env)
        self._output: asyncio.Queue[Chunk | None] = asyncio.Queue()
        self._code: int | None = None
        self._over = asyncio.Event()
        self._on_end = on_end
        self._advance()

    async def output(self) -> AsyncIterator[Chunk]:
        """What it says, until it ends."""
        while (chunk := await self._output.get()) is not ENDED:
            yield chunk

    async def write(self, data: bytes) -> None:
        """To the `cat` that waits for it; empty bytes end its input."""
        if self._code is not None:
            return
        if data:
            self._say(data)
        else:
            self._steps.pop(0)
            self._advance()

    async def resize(self, rows: int, columns: int) -> None:
        """A simulated terminal has any size."""

    async def wait(self) -> int:
        """Its exit code."""
        await self._over.wait()
        return self._code or 0

    async def close(self) -> None:
        """Leave; it ends."""
        self._end(137)

    def _advance(self) -> None:
        """Up to the first step that waits for input, or to the end."""
        while self._steps and self._code is None:
            name, *words = self._steps[0]
            if name in {"cat", "sleep"}:
                return
            self._steps.pop(0)
            if name == "echo":
                self._say(f"{' '.join(words)}\n".encode())
            elif name == "exit":
                self._end(int(words[0]) if words else 0)
            else:
                self._say(f"{name}: not found\n".encode(), Stream.STDERR)
                self._end(127)
        self._end(0)

    def _say(self, data: bytes, stream: Stream = Stream.STDOUT) -> None:
        self._output.put_nowait(Chunk(stream=stream, data=data))

    def _end(self, code: int) -> None:
        if self._code is None:
            self._code = code
            self._output.put_nowait(ENDED)
            self._over.set()
            self._on_end()


def _steps(command: Sequence[str], env: Mapping[str, str]) -> list[list[str]]:
    if list(command[:2]) != ["sh", "-c"]:
        return [list(command)]
    lines = Template(command[2]).safe_substitute(env).split(";")
    return [words for words in map(shlex.split, lines) if words]
