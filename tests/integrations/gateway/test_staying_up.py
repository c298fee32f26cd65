"""Swaps, upgrades, kills and restarts while requests and connections are under way."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import websockets

from skerry.errors import Conflict
from skerry.integrations.gateway import nameserver, process
from skerry.integrations.gateway.supervisor import open_connections
from skerry.model.proxy import Address
from tests.integrations.gateway.client import Client
from tests.integrations.gateway.configs import serving
from tests.integrations.gateway.servers import Replica
from tests.soak import soak_count

pytestmark = pytest.mark.gateway


async def _until_idle(gateway, address: Address) -> None:
    deadline = time.monotonic() + 5
    while await gateway.busy([address]):
        assert time.monotonic() < deadline, "connections to the old replica remain"
        await asyncio.sleep(0.005)


async def test_no_request_fails_while_replicas_are_swapped(gateway, client: Client) -> None:
    old = await Replica("first").__aenter__()
    await gateway.program(serving(web=old.address))
    load = client.start_load(client.url, "web.localhost")
    for number in range(soak_count(50, 500)):
        new = await Replica(f"{number}").__aenter__()
        await gateway.program(serving(web=new.address))
        await _until_idle(gateway, old.address)
        served = old.served
        await old.__aexit__(None, None, None)
        assert old.served == served
        old = new
    await client.stop_load(load)
    await old.__aexit__(None, None, None)
    assert load.failed == []
    assert load.good > 100


async def test_an_upgrade_under_load_fails_no_request_and_cuts_nothing(
    gateway, client: Client, cell
) -> None:
    async def echo(connection) -> None:
        async for message in connection:
            await connection.send(message)

    async with Replica("web") as web, websockets.serve(echo, "127.0.0.1", 0) as server:
        chat = Address(*server.sockets[0].getsockname())
        await gateway.program(serving(web=web.address, chat=chat))
        before = gateway.status().pid
        load = client.start_load(client.url, "web.localhost")
        stream = asyncio.create_task(client.get("web.localhost", "/stream"))
        async with websockets.connect(
            f"ws://chat.localhost:{cell.http}/", host="127.0.0.1"
        ) as connection:
            await asyncio.sleep(0.1)
            await gateway.upgrade()
            await gateway.program(serving(web=web.address, chat=chat, more=web.address))
            await asyncio.sleep(0.3)
            await connection.send("old friend")
            assert await connection.recv() == "old friend"
            assert await client.get("more.localhost") == (200, "web")
        assert await stream == (200, "piece" * 10)
        await client.stop_load(load)
        assert load.failed == []
        assert load.good > 20
        assert gateway.status().pid != before


async def test_a_second_upgrade_waits_for_the_connections_of_the_first(
    gateway, client: Client
) -> None:
    async with Replica("web") as web:
        await gateway.program(serving(web=web.address))
        stream = asyncio.create_task(client.get("web.localhost", "/stream", close=True))
        await asyncio.sleep(0.1)
        await gateway.upgrade()
        with pytest.raises(Conflict, match="finishes"):
            await gateway.upgrade()
        assert await stream == (200, "piece" * 10)
        await _until(lambda: not any(map(open_connections, process.find(gateway.folder)[1:])))
        await gateway.upgrade()
        await _until(lambda: len(process.find(gateway.folder)) <= 2)
        assert process.find(gateway.folder)[0].epoch == 2
        assert await client.get("web.localhost") == (200, "web")


async def _until(true: Callable[[], object], *, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return
        await asyncio.sleep(0.01)
    pytest.fail("not in time")


async def test_a_killed_gateway_is_back_within_a_second(gateway, client: Client) -> None:
    async with Replica("web") as web:
        await gateway.program(serving(web=web.address))
        for _ in range(soak_count(3, 50)):
            pid = gateway.status().pid
            killed = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            while True:
                try:
                    if await client.get("web.localhost") == (200, "web"):
                        break
                except OSError:
                    await asyncio.sleep(0.005)
            assert time.monotonic() - killed < 1.0
            await _until(lambda: gateway.status().live)


async def test_a_gateway_killed_after_an_upgrade_comes_back(gateway, client: Client) -> None:
    async with Replica("web") as web:
        await gateway.program(serving(web=web.address))
        await gateway.upgrade()
        os.kill(gateway.status().pid, signal.SIGKILL)
        await gateway.program(serving(web=web.address, more=web.address))
        assert await client.get("more.localhost") == (200, "web")
        assert gateway.status().live


async def test_it_serves_on_without_a_server_and_is_adopted(new_gateway, client: Client) -> None:
    first = new_gateway()
    await first.start()
    async with Replica("web") as web, Replica("other") as other:
        await first.program(serving(web=web.address))
        pid = first.status().pid
        load = client.start_load(client.url, "web.localhost", connections=2)
        await first.close()
        await asyncio.sleep(0.1)
        second = new_gateway()
        await second.start()
        assert second.status().pid == pid
        await second.program(serving(web=other.address))
        assert await client.get("web.localhost") == (200, "other")
        await client.stop_load(load)
        assert load.failed == []
        await second.close()


KILLED_SERVER = """
import asyncio, os, signal, sys
from pathlib import Path
from skerry.clock import SystemClock
from skerry.integrations.gateway.envoy import EnvoyGateway
from skerry.model.cell import Cell

async def main():
    cell = Cell(http=int(sys.argv[2]), https=int(sys.argv[3]))
    await EnvoyGateway(Path(sys.argv[1]), cell, SystemClock()).start()
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_envoy_and_the_name_server_outlive_a_server_that_is_killed(
    new_gateway, tmp_path: Path, cell
) -> None:
    folder = tmp_path / "gateway"
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED_SERVER, str(folder), str(cell.http), str(cell.https)
    )
    assert await server.wait() == -signal.SIGKILL
    await asyncio.sleep(0.5)
    running = process.find(folder), nameserver.find(folder)
    assert [len(each) for each in running] == [1, 1]
    second = new_gateway()
    await second.start()
    assert (process.find(folder), nameserver.find(folder)) == running
    await second.close()


async def test_concurrent_calls_end_with_the_latest(gateway, client: Client) -> None:
    async with Replica("a") as a, Replica("b") as b:
        swaps = [serving(web=(a if n % 2 else b).address) for n in range(20)]
        await asyncio.gather(*(gateway.program(config) for config in swaps))
        assert await client.get("web.localhost") == (200, "a")


async def test_stopping_leaves_nothing_but_the_authority(new_gateway) -> None:
    gateway = new_gateway()
    await gateway.start()
    folder: Path = gateway.folder
    base = (folder / "base-id").read_text()
    await gateway.upgrade()
    await gateway.stop()
    assert process.find(folder) == ()
    assert [path.name for path in folder.iterdir()] == ["authority"]
    assert not list(Path("/dev/shm").glob(f"envoy_shared_memory_{base}*"))


async def test_envoy_knows_nothing_of_the_servers_environment(gateway, monkeypatch) -> None:
    environment = Path(f"/proc/{gateway.status().pid}/environ").read_bytes()
    assert b"SKERRY" not in environment and b"TOKEN" not in environment
