"""What a probe makes of every answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from skerry.engines.local.probes import Answer, probe
from skerry.engines.local.workload import Check
from skerry.model.proxy import Address


async def command(words: tuple[str, ...]) -> tuple[int, str]:
    """A command that fails unless it is `true`."""
    return (0, "") if words == ("true",) else (3, "first\nno disk\n")


@asynccontextmanager
async def answering(said: bytes | None) -> AsyncIterator[Address]:
    """A server that says one thing to everybody, or (None) nothing at all."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if said is not None:
            writer.write(said)
            await writer.drain()
            writer.close()
        else:
            await reader.read()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await asyncio.sleep(0.02)  # connections end in the next turns of the loop


async def http(said: bytes | None) -> Answer:
    check = Check(kind="http", path="/healthz", timeout_seconds=0.3)
    async with answering(said) as address:
        return await probe(check, address, command=command)


async def test_answers_from_200_to_399_are_healthy() -> None:
    assert (await http(b"HTTP/1.1 204 No Content\r\n\r\n")).healthy
    assert (await http(b"HTTP/1.1 301 Moved\r\n\r\n")).healthy


async def test_others_are_not_and_the_first_line_is_said() -> None:
    answer = await http(b"HTTP/1.1 503 No\r\nServer: x\r\n\r\nwarming up\nmore")
    assert answer == Answer(healthy=False, said="GET /healthz answered 503: warming up")


async def test_what_is_not_http_is_said_so() -> None:
    assert "not HTTP" in (await http(b"-ERR unknown command\r\n")).said


async def test_silence_ends_at_the_timeout() -> None:
    assert "did not answer in 0.3 s" in (await http(None)).said


async def test_nobody_there_is_a_refused_connection() -> None:
    check = Check(kind="tcp", port=1, timeout_seconds=1)
    answer = await probe(check, Address("127.0.0.1", 1), command=command)
    assert answer == Answer(healthy=False, said="port 1: refused the connection")


async def test_a_forwarder_that_accepts_for_nobody_does_not_count() -> None:
    check = Check(kind="tcp", timeout_seconds=1)
    async with answering(b"") as address:
        assert not (await probe(check, address, command=command, forwarded=True)).healthy
    async with answering(None) as address:
        assert (await probe(check, address, command=command, forwarded=True)).healthy


async def test_a_command_is_healthy_by_its_exit_code() -> None:
    healthy = await probe(Check(kind="exec", command=("true",)), None, command=command)
    sick = await probe(Check(kind="exec", command=("check",)), None, command=command)
    assert healthy.healthy
    assert sick.said == "the check exited 3 and said: no disk"
