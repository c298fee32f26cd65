"""Lookups at the addresses of a real gateway."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import dns.flags
import dns.rcode
import pytest

from skerry.clock import SystemClock
from skerry.errors import GatewayUnavailable
from skerry.integrations.gateway import nameserver
from skerry.integrations.gateway.envoy import EnvoyGateway
from skerry.model.proxy import ProxyConfig
from tests.integrations.gateway.configs import with_names
from tests.integrations.gateway.lookups import Upstream, ask, look_up, repeat, said
from tests.soak import soak_count

pytestmark = pytest.mark.gateway
REDIS = "198.18.0.7"
NONE: tuple[str, list[str]] = ("NXDOMAIN", [])
EMPTY: tuple[str, list[str]] = ("NOERROR", [])


@pytest.fixture(autouse=True)
def _root(needs) -> None:
    needs.root()


@pytest.fixture
def upstream(loopback: str) -> Upstream:
    """A server for names of the world; `async with` starts it."""
    host = f"127.{32 + int(loopback.split('.')[1]) % 32}.{loopback.split('.', 2)[2]}"
    return Upstream(
        host,
        {
            ("only4.example.com", "A"): ["192.0.2.1"],
            ("example.com", "MX"): ["10 mail.example.com."],
            ("example.com", "TXT"): ['"hello"'],
            ("big.example.com", "A"): [f"192.0.2.{n}" for n in range(1, 200)],
        },
    )


@pytest.fixture
async def gateway(tmp_path: Path, cell, upstream: Upstream, loopback: str):
    """A gateway that knows `redis`, and asks `upstream` for the rest."""
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text(f"nameserver {upstream.host}\n")
    made = EnvoyGateway(tmp_path / "gateway", cell, SystemClock(), resolv_conf=resolv_conf)
    await made.start()
    await made.program(knowing(loopback))
    yield made
    await made.stop()


def beside(loopback: str, last: int) -> str:
    """Another address of this test's; the fixture gives none above 250."""
    return f"{loopback.rpartition('.')[0]}.{last}"


def knowing(resolver: str, **more: str) -> ProxyConfig:
    """`redis` under each of its names."""
    full = {f"redis.default{end}": REDIS for end in ("", ".svc", ".svc.cluster.local")}
    return with_names(ProxyConfig(), resolver, redis=REDIS, **full, **more)


@pytest.mark.parametrize("tcp", [False, True], ids=["UDP", "TCP"])
async def test_a_service_is_found_by_each_of_its_names_in_any_case(gateway, loopback, tcp) -> None:
    for name in ("redis", "REDIS.", "Redis.Default", "redis.default.SVC.cluster.local"):
        assert await look_up(loopback, name, tcp=tcp) == ("NOERROR", [REDIS])


async def test_a_service_has_no_address_in_the_other_family_and_that_is_no_error(
    gateway, loopback: str
) -> None:
    for kind in ("AAAA", "TXT", "MX", "HTTPS"):
        assert await look_up(loopback, "redis", kind) == EMPTY


async def test_a_service_that_does_not_exist_is_not_looked_for_in_the_world(
    gateway, loopback, upstream
) -> None:
    async with upstream:
        for name in ("nobody", "nobody.default.svc", "nobody.default.svc.cluster.local"):
            assert await look_up(loopback, name) == NONE
            assert await look_up(loopback, name, "AAAA") == NONE
        assert not upstream.asked


async def test_other_names_are_asked_of_the_machines_servers_whatever_the_kind(
    gateway, loopback, upstream
) -> None:
    async with upstream:
        assert await look_up(loopback, "only4.example.com") == ("NOERROR", ["192.0.2.1"])
        assert await look_up(loopback, "only4.example.com", "AAAA") == EMPTY
        mail = ("NOERROR", ["10 mail.example.com."])
        assert await look_up(loopback, "example.com", "MX") == mail
        assert await look_up(loopback, "example.com", "TXT") == ("NOERROR", ['"hello"'])
        assert await look_up(loopback, "nothing.example.com") == NONE


async def test_an_answer_too_long_for_udp_comes_whole_over_tcp(gateway, loopback, upstream) -> None:
    async with upstream:
        cut = await ask(loopback, "big.example.com")
        assert cut.flags & dns.flags.TC
        code, data = await look_up(loopback, "big.example.com", tcp=True)
        assert (code, len(data)) == ("NOERROR", 199)


async def test_each_question_goes_out_from_another_port_under_another_id(
    gateway, loopback, upstream
) -> None:
    async with upstream:
        await asyncio.gather(*(look_up(loopback, "only4.example.com") for _ in range(50)))
        ids, ports = zip(*upstream.senders, strict=True)
        assert len(set(ids)) > 45 and len(set(ports)) > 40


async def test_without_a_server_that_answers_a_lookup_fails_in_time(gateway, loopback) -> None:
    started = time.monotonic()
    assert await look_up(loopback, "only4.example.com") == ("SERVFAIL", [])
    assert 2.5 < time.monotonic() - started < 4
    assert await look_up(loopback, "redis") == ("NOERROR", [REDIS])


async def test_a_silent_server_is_passed_over_for_the_next(
    gateway, loopback, upstream, tmp_path
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((beside(loopback, 254), 53))
        silent_host = silent.getsockname()[0]
        conf = f"nameserver {silent_host}\nnameserver {upstream.host}\n"
        (tmp_path / "resolv.conf").write_text(conf)
        async with upstream:
            started = time.monotonic()
            found = await look_up(loopback, "only4.example.com")
            assert found == ("NOERROR", ["192.0.2.1"])
            assert time.monotonic() - started < 2


async def test_a_server_that_fails_is_believed_when_all_have_failed(
    gateway, loopback, upstream
) -> None:
    upstream.code = dns.rcode.SERVFAIL
    async with upstream:
        started = time.monotonic()
        answer = await ask(loopback, "only4.example.com")
        assert said(answer)[0] == "SERVFAIL"
        assert time.monotonic() - started < 1


async def test_one_that_asks_without_end_is_held_back_and_own_names_go_on(
    gateway, loopback, upstream
) -> None:
    upstream.delay_seconds = 1.0
    async with upstream:
        flood = [asyncio.create_task(look_up(loopback, f"n{n}.example.com")) for n in range(400)]
        await asyncio.sleep(0.3)
        assert await look_up(loopback, "redis") == ("NOERROR", [REDIS])
        codes = [code for code, _ in await asyncio.gather(*flood)]
        assert 100 < codes.count("SERVFAIL") < 200
        assert codes.count("SERVFAIL") + codes.count("NXDOMAIN") == 400


async def test_no_lookup_is_lost_while_names_change_and_the_process_is_replaced(
    gateway, loopback: str
) -> None:
    over = asyncio.Event()
    clients = [asyncio.create_task(repeat(loopback, "redis", REDIS, over)) for _ in range(4)]
    other = beside(loopback, 253)
    for number in range(soak_count(20, 200)):
        more = {f"n{n}": "198.18.0.9" for n in range(number)}
        await gateway.program(with_names(knowing(loopback, **more), other, x="198.18.0.3"))
        assert await look_up(other, "x") == ("NOERROR", ["198.18.0.3"])
        if number:
            assert await look_up(loopback, f"n{number - 1}") == ("NOERROR", ["198.18.0.9"])
        await gateway.program(knowing(loopback, **more))
    for _ in range(soak_count(2, 20)):
        await gateway._names.upgrade()
    over.set()
    came = await asyncio.gather(*clients)
    assert [lost for client in came for lost in client.lost] == []
    assert sum(client.good for client in came) > 100


async def test_a_gateways_upgrade_replaces_the_name_server_too(gateway, loopback, upstream) -> None:
    upstream.delay_seconds = 0.5
    [before] = nameserver.find(gateway.folder)
    async with upstream:
        waiting = asyncio.create_task(look_up(loopback, "only4.example.com"))
        await asyncio.sleep(0.1)
        await gateway.upgrade()
        assert await waiting == ("NOERROR", ["192.0.2.1"])
    [after] = nameserver.find(gateway.folder)
    assert after.pid != before.pid
    assert await look_up(loopback, "redis") == ("NOERROR", [REDIS])


async def test_a_killed_name_server_is_back_within_a_second(gateway, loopback: str) -> None:
    for _ in range(soak_count(3, 50)):
        [running] = nameserver.find(gateway.folder)
        killed = time.monotonic()
        os.kill(running.pid, signal.SIGKILL)
        await _until_found(loopback, "redis")
        assert time.monotonic() - killed < 1.0
        await _until(lambda: _live(gateway))


async def test_it_answers_without_a_server_and_is_adopted(gateway, cell, loopback: str) -> None:
    await gateway.close()
    assert await look_up(loopback, "redis") == ("NOERROR", [REDIS])
    [before] = nameserver.find(gateway.folder)
    second = EnvoyGateway(gateway.folder, cell, SystemClock())
    await second.start()
    assert nameserver.find(gateway.folder) == (before,)
    await second.program(knowing(loopback, web="198.18.0.8"))
    assert await look_up(loopback, "web") == ("NOERROR", ["198.18.0.8"])
    await second.close()


async def test_a_taken_address_is_named_and_tried_again_and_others_are_served(
    gateway, loopback: str
) -> None:
    other = beside(loopback, 252)
    config = with_names(knowing(loopback, web="198.18.0.8"), other, x="198.18.0.3")
    with socket.create_server((other, 53)):
        with pytest.raises(GatewayUnavailable, match=f"port 53 at {other}"):
            await gateway.program(config)
        assert other in gateway.status().reason
        assert await look_up(loopback, "web") == ("NOERROR", ["198.18.0.8"])
    await gateway.program(config)
    assert await look_up(other, "x") == ("NOERROR", ["198.18.0.3"])
    assert other not in gateway.status().reason


async def test_an_address_that_is_not_the_machines_yet_is_no_obstacle(gateway, loopback) -> None:
    await gateway.program(with_names(knowing(loopback), "192.0.2.53", x="198.18.0.3"))


async def test_it_is_small_and_knows_nothing_of_the_servers_environment(gateway) -> None:
    [running] = nameserver.find(gateway.folder)
    status = Path(f"/proc/{running.pid}/status").read_text()
    kilobytes = int(status.partition("VmRSS:")[2].split()[0])
    assert kilobytes < 25_000
    environment = Path(f"/proc/{running.pid}/environ").read_bytes()
    assert b"SKERRY" not in environment and b"TOKEN" not in environment


async def test_stopping_ends_it(gateway) -> None:
    await gateway.stop()
    assert nameserver.find(gateway.folder) == ()


async def _live(gateway: EnvoyGateway) -> bool:
    return gateway.status().live


async def _until_found(server: str, name: str) -> None:
    async def found() -> bool:
        try:
            return (await asyncio.wait_for(look_up(server, name), 0.1))[0] == "NOERROR"
        except (OSError, TimeoutError):
            return False

    await _until(found)


async def _until(true: Callable[[], Awaitable[bool]], *, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if await true():
            return
        await asyncio.sleep(0.01)
    pytest.fail("not in time")
