"""What a real Envoy serves when it is programmed."""

import asyncio
import json
import socket
import ssl
from pathlib import Path

import aiohttp
import pytest
import websockets

from skerry.errors import GatewayUnavailable
from skerry.integrations.gateway.envoy import EnvoyGateway
from skerry.model.cell import Cell
from skerry.model.proxy import Address, ProxyConfig
from tests.integrations.gateway.client import Client
from tests.integrations.gateway.configs import serving, with_backend, with_door, with_route
from tests.integrations.gateway.servers import Replica

pytestmark = pytest.mark.gateway


async def test_requests_go_by_host_and_the_longest_path(gateway, client: Client) -> None:
    async with Replica("web") as web, Replica("shop") as shop:
        config = serving(web=web.address, shop=shop.address)
        await gateway.program(with_route(config, "web.localhost", "shop", path="/shop"))
        assert await client.get("web.localhost", "/") == (200, "web")
        assert await client.get("web.localhost:8080", "/shop/cart") == (200, "shop")
        assert await client.get("web.localhost", "/shopping") == (200, "web")
        assert await client.get("SHOP.localhost", "/") == (200, "shop")


async def test_an_unknown_host_is_told_so(gateway, client: Client) -> None:
    status, body = await client.get("nobody.localhost", "/x")
    assert status == 404
    assert "nobody.localhost/x" in body and "skerry status" in body


async def test_a_service_without_a_ready_replica_is_named(gateway, client: Client) -> None:
    await gateway.program(serving(web=()))
    status, body = await client.get("web.localhost")
    assert status == 503
    assert "default/web" in body


async def test_a_dead_replica_is_skipped_before_a_request_reaches_it(gateway, client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        dead = Address(*gone.getsockname())
    async with Replica("alive") as alive:
        await gateway.program(serving(web=(dead, alive.address)))
        answers = {await client.get("web.localhost") for _ in range(20)}
    assert answers == {(200, "alive")}


async def test_replicas_learn_who_asked_and_how(gateway, client: Client) -> None:
    async with Replica("web") as web:
        await gateway.program(serving(web=web.address))
        lies = {"host": "web.localhost", "x-forwarded-proto": "https", "x-envoy-retry-on": "5xx"}
        async with client.session.get(client.url + "/headers", headers=lies) as response:
            said = (await response.text()).lower()
    assert "x-forwarded-for: " in said
    assert "x-forwarded-proto: http\r" in said
    assert "x-forwarded-host: web.localhost" in said
    assert "host: web.localhost" in said
    assert "x-envoy-retry-on" not in said


async def test_headers_may_be_big(gateway, client: Client) -> None:
    async with Replica("web") as web:
        await gateway.program(serving(web=web.address))
        big = {"host": "web.localhost", "cookie": "x" * 100_000}
        async with client.session.get(client.url, headers=big) as response:
            assert response.status == 200


async def test_bodies_stream_both_ways(gateway, client: Client) -> None:
    """The second piece is sent only after the first has come back."""
    async with Replica("web") as web:
        await gateway.program(serving(web=web.address))
        came = asyncio.Queue[bytes]()

        async def pieces():
            for number in range(5):
                yield b"piece %d" % number
                assert await asyncio.wait_for(came.get(), 5) == b"piece %d" % number

        url, host = client.url + "/echo", {"host": "web.localhost"}
        async with client.session.post(url, data=pieces(), headers=host) as response:
            async for piece in response.content.iter_any():
                came.put_nowait(piece)


async def test_names_are_served_over_tls_by_our_own_authority(gateway, cell: Cell) -> None:
    async with Replica("web") as web, Replica("shop") as shop:
        await gateway.program(serving(web=web.address, shop=shop.address))
        trusting = ssl.create_default_context(cadata=gateway.authority())
        resolver = {"web.localhost": "web", "shop.localhost": "shop"}
        async with aiohttp.ClientSession() as session:
            for host, text in resolver.items():
                url = f"https://127.0.0.1:{cell.https}/"
                async with session.get(
                    url, ssl=trusting, server_hostname=host, headers={"host": host}
                ) as answer:
                    assert (answer.status, await answer.text()) == (200, text)
        with pytest.raises(ssl.SSLError):
            await asyncio.open_connection(
                "127.0.0.1", cell.https, ssl=trusting, server_hostname="other.localhost"
            )


async def test_http_2_is_offered_by_alpn_and_with_prior_knowledge(gateway, cell, needs) -> None:
    curl = needs.program("curl")
    async with Replica("web") as web:
        await gateway.program(serving(web=web.address))
        for url, option in (
            (f"https://web.localhost:{cell.https}/", "--http2"),
            (f"http://web.localhost:{cell.http}/", "--http2-prior-knowledge"),
        ):
            resolve = url.split("/")[2] + ":127.0.0.1"
            said = "%{http_version} "
            process = await asyncio.create_subprocess_exec(
                curl, "-sk", option, "--resolve", resolve, "-w", said, url,
                stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            out, _ = await process.communicate()
            assert out.decode().split() == ["web2"]


async def test_grpc_backends_are_spoken_to_in_http_2(gateway, client: Client) -> None:
    heard = asyncio.get_running_loop().create_future()

    async def listen(reader, writer) -> None:
        heard.set_result(await reader.readexactly(24))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        address = Address(*server.sockets[0].getsockname())
        config = with_backend(ProxyConfig(), "rpc", (address,), protocol="grpc")
        await gateway.program(with_route(config, "rpc.localhost", "rpc"))
        await client.get("rpc.localhost")
        assert (await heard).startswith(b"PRI * HTTP/2.0")


async def test_a_websocket_survives_other_names_and_other_swaps(gateway, cell: Cell) -> None:
    async def echo(connection) -> None:
        async for message in connection:
            await connection.send(message)

    async with websockets.serve(echo, "127.0.0.1", 0) as server, Replica("b") as b:
        chat = Address(*server.sockets[0].getsockname())
        config = serving(chat=chat, web=b.address)
        await gateway.program(config)
        trusting = ssl.create_default_context(cadata=gateway.authority())
        async with (
            websockets.connect(
                f"wss://chat.localhost:{cell.https}/", ssl=trusting, host="127.0.0.1"
            ) as secure,
            websockets.connect(f"ws://chat.localhost:{cell.http}/", host="127.0.0.1") as plain,
        ):
            for step in (serving(chat=chat, web=()), serving(chat=chat, web=b.address, new=chat)):
                await gateway.program(step)
                for connection in (secure, plain):
                    await connection.send("still there?")
                    assert await connection.recv() == "still there?"


async def test_a_door_admits_its_sources_only(gateway, client, loopback: str) -> None:
    async with Replica("web") as web:
        config = with_door(serving(web=web.address), Address(loopback, 8080), "web", "127.0.0.1/32")
        await gateway.program(config)
        async with client.session.get(f"http://{loopback}:8080/") as response:
            assert await response.text() == "web"
        stranger = aiohttp.TCPConnector(local_addr=("127.0.0.9", 0))
        async with aiohttp.ClientSession(connector=stranger) as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(f"http://{loopback}:8080/")


async def test_a_tcp_door_hands_bytes_on(gateway, loopback: str) -> None:
    async def serve(reader, writer) -> None:
        writer.write((await reader.readline()).upper())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = Address(*server.sockets[0].getsockname())
        config = with_backend(ProxyConfig(), "redis", (address,), protocol="tcp")
        await gateway.program(with_door(config, Address(loopback, 6379), "redis", "127.0.0.0/8"))
        reader, writer = await asyncio.open_connection(loopback, 6379)
        writer.write(b"ping\n")
        assert await reader.read() == b"PING\n"
        writer.close()


async def test_busy_are_addresses_with_requests_under_way(gateway, client: Client) -> None:
    async with Replica("a") as a, Replica("b") as b:
        await gateway.program(serving(web=a.address))
        slow = asyncio.create_task(client.get("web.localhost", "/slow"))
        await asyncio.sleep(0.2)
        await gateway.program(serving(web=b.address))
        both = [a.address, b.address]
        assert await gateway.busy(both) == {a.address}
        assert await slow == (200, "a")
        for _ in range(100):
            if not await gateway.busy(both):
                break
            await asyncio.sleep(0.01)
        assert await gateway.busy(both) == frozenset()


async def test_every_request_is_a_line_of_json_without_its_query(gateway, client, tmp_path) -> None:
    async with Replica("web") as web:
        await gateway.program(serving(web=web.address))
        await client.get("web.localhost", "/path?token=hush")
        log: Path = tmp_path / "gateway" / "access.log"
        await gateway.rotate_log(most_bytes=0)
        for _ in range(300):  # Envoy writes what it holds into the old file, or the new one
            files = [file for file in (log.with_name("access.log.1"), log) if file.exists()]
            if text := "".join(file.read_text() for file in files):
                break
            await asyncio.sleep(0.01)
        line = json.loads(text.splitlines()[0])
        assert (line["path"], line["status"], line["service"]) == ("/path", 200, "default/web")
        assert "hush" not in text
        await client.get("web.localhost", "/after")
        for _ in range(300):
            if log.exists() and "/after" in log.read_text():
                return
            await asyncio.sleep(0.01)
        pytest.fail("no line in the new file")


async def test_a_refused_configuration_says_why(gateway, client, loopback: str) -> None:
    async with Replica("web") as web:
        config = serving(web=web.address)
        with socket.create_server((loopback, 8080)):
            with pytest.raises(GatewayUnavailable) as caught:
                await gateway.program(with_door(config, Address(loopback, 8080), "web"))
            assert "8080" in caught.value.cause
            assert await client.get("web.localhost") == (200, "web")
        await gateway.program(with_door(config, Address(loopback, 8080), "web", "127.0.0.0/8"))
        assert gateway.status().live


async def test_a_taken_port_stops_the_start(tmp_path: Path, cell: Cell) -> None:
    from skerry.clock import SystemClock

    with (
        socket.create_server(("127.0.0.1", cell.https)),
        pytest.raises(GatewayUnavailable, match="taken by"),
    ):
        await EnvoyGateway(tmp_path / "gateway", cell, SystemClock()).start()
