"""Load that counts what fails: many connections at full speed, in a process of its own.

A failure is a refused or cut connection, a status that is not 200, or a body nobody
deployed. Nothing is tried again: what a user would have seen is what is counted.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType

HEAD_END = b"\r\n\r\n"


@dataclass(slots=True)
class Tally:
    """What came back."""

    answered: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    bodies: Counter[str] = field(default_factory=Counter)


async def client(tally: Tally, port: int, host: str, path: str, until: asyncio.Event) -> None:
    """One connection after another, kept alive as long as the other side does."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    while not until.is_set():
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError as error:
            tally.failures[f"connect: {error}"] += 1
            await asyncio.sleep(0.05)
            continue
        try:
            while not until.is_set():
                writer.write(request)
                if await answer(tally, reader):
                    break
        except (OSError, asyncio.IncompleteReadError) as error:
            tally.failures[f"cut: {type(error).__name__}"] += 1
        finally:
            writer.close()


async def answer(tally: Tally, reader: asyncio.StreamReader) -> bool:
    """Read one answer; whether the other side wants the connection closed."""
    head = (await reader.readuntil(HEAD_END)).decode("latin-1").lower()
    length = int(head.partition("content-length:")[2].partition("\r\n")[0] or 0)
    body = (await reader.readexactly(length)).decode()
    status = head.split(" ", 2)[1]
    if status == "200":
        tally.answered += 1
        tally.bodies[body] += 1
    else:
        tally.failures[f"{status}: {body[:120]}"] += 1
    return "connection: close" in head


async def generate(port: int, host: str, path: str, connections: int) -> Tally:
    """Until standard input ends, or for half an hour."""
    tally, until = Tally(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), until.set)
    loop.call_later(1800, until.set)
    await asyncio.gather(*(client(tally, port, host, path, until) for _ in range(connections)))
    return tally


class Load:
    """`async with`-free: `with Load(port, host) as load: ...; load.result`."""

    def __init__(self, port: int, host: str, path: str = "/", *, connections: int = 8) -> None:
        self._arguments = [str(port), host, path, str(connections)]
        self.result = Tally()

    def __enter__(self) -> "Load":
        import subprocess

        self._process = subprocess.Popen(
            [sys.executable, __file__, *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        time.sleep(0.5)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        said, _ = self._process.communicate(b"stop", timeout=60)
        found = json.loads(said)
        self.result.answered = found["answered"]
        self.result.failures = Counter(found["failures"])
        self.result.bodies = Counter(found["bodies"])


if __name__ == "__main__":
    _port, _host, _path, _connections = sys.argv[1:]
    _tally = asyncio.run(generate(int(_port), _host, _path, int(_connections)))
    print(
        json.dumps(
            {"answered": _tally.answered, "failures": _tally.failures, "bodies": _tally.bodies}
        )
    )
