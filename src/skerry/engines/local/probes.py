"""Asks a replica whether it can take traffic: one HTTP request, connection or command."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from skerry.engines.local.workload import Check
from skerry.model.proxy import Address

# How long a forwarded connection must stay open to count: a forwarder accepts for nobody.
_FORWARDED_SECONDS = 0.05
_ANSWER_BYTES = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the probe found: `said` is a sentence for a person when it is not well."""

    healthy: bool
    said: str = ""


HEALTHY = Answer(healthy=True)


# Runs a command in the replica's container: exit code and what it said.
Command = Callable[[tuple[str, ...]], Awaitable[tuple[int, str]]]


async def probe(
    check: Check, address: Address | None, *, command: Command, forwarded: bool = False
) -> Answer:
    """Ask once, within the check's timeout. Never raises for what the replica does.

    `address` is where the service's own port is reached; a check of another port goes to
    the same host. `forwarded`: between us and the replica stands a forwarder.
    """
    try:
        async with asyncio.timeout(check.timeout_seconds):
            if check.kind == "exec":
                return _of_command(*await command(check.command))
            if check.kind == "none" or address is None:
                return HEALTHY
            port = address.port if forwarded else check.port or address.port
            if check.kind == "http":
                return await _http(check.path, address.host, port)
            return await _tcp(address.host, port, forwarded=forwarded)
    except TimeoutError:
        return Answer(
            healthy=False, said=f"{_asked(check)} did not answer in {check.timeout_seconds:g} s"
        )
    except OSError as error:
        reason = "refused the connection" if isinstance(error, ConnectionRefusedError) else error
        return Answer(healthy=False, said=f"{_asked(check)}: {reason}")


def _asked(check: Check) -> str:
    if check.kind == "http":
        return f"GET {check.path} on port {check.port}"
    return f"port {check.port}" if check.kind == "tcp" else " ".join(check.command)


def _of_command(code: int, said: str) -> Answer:
    if code == 0:
        return HEALTHY
    last = said.strip().splitlines()[-1:] or ["nothing"]
    return Answer(healthy=False, said=f"the check exited {code} and said: {last[0][:200]}")


async def _http(path: str, host: str, port: int) -> Answer:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: skerry-probe\r\n"
            "Accept: */*\r\nConnection: close\r\n\r\n".encode()
        )
        line = await reader.readline()
        words = line.split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
            said = line.decode(errors="replace").strip() or "nothing"
            return Answer(healthy=False, said=f"GET {path} answered {said[:100]!r}, not HTTP")
        status = int(words[1])
        if 200 <= status < 400:
            return HEALTHY
        body = (await reader.read(_ANSWER_BYTES)).partition(b"\r\n\r\n")[2]
        said = body.decode(errors="replace").strip().partition("\n")[0][:120]
        return Answer(
            healthy=False, said=f"GET {path} answered {status}" + (f": {said}" if said else "")
        )
    finally:
        writer.transport.abort()


async def _tcp(host: str, port: int, *, forwarded: bool) -> Answer:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        if not forwarded:
            return HEALTHY
        try:
            async with asyncio.timeout(_FORWARDED_SECONDS):
                if await reader.read(1) == b"":
                    return Answer(healthy=False, said=f"port {port} is forwarded to nobody yet")
        except TimeoutError:
            pass
        return HEALTHY
    finally:
        writer.transport.abort()
