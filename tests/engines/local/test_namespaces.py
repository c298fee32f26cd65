"""Walls between namespaces, the doors in them, and names: with a real gateway."""

from collections.abc import AsyncIterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from skerry.engines.local.host import Reach
from skerry.model.keys import ServiceKey
from tests.conftest import Needs
from tests.engines.local.harness import Bench, open_bench

pytestmark = pytest.mark.engine

WEB = ServiceKey("default", "web")
BACK = ServiceKey("data", "back")
SHOP = ServiceKey("shop", "front")


async def test_a_service_in_the_own_namespace_has_a_door_and_a_name(bench: Bench) -> None:
    await bench.apply(bench.web(), bench.web("api"))
    await bench.running(WEB, ServiceKey("default", "api"))
    doors = {door.backend: door for door in bench.gateway.config.doors}
    (table,) = bench.gateway.config.names
    names = dict(table.names)
    assert str(names["api"]) == doors["default/api"].address.host
    assert names["api.default.svc.cluster.local"] == names["api.default"] == names["api"]
    address = IPv4Address(bench.gateway.endpoints("default/web")[0].host)
    assert any(address in source for source in doors["default/api"].sources)


async def test_namespaces_cannot_reach_each_other(bench: Bench) -> None:
    other = ServiceKey("other", "other")
    await bench.apply(bench.web(), bench.web("back").team("data"), bench.web("other").team("other"))
    await bench.running(WEB, BACK, other)
    (web,) = bench.gateway.endpoints("default/web")
    (back,) = bench.gateway.endpoints("data/back")
    assert (await bench.get(back.host))[0] == 200
    assert await _connects(bench, WEB, str(back.host)) is False
    await bench.engine.delete(other, volumes=True)
    await bench.network_gone("other")
    assert await _connects(bench, WEB, str(back.host)) is False
    assert await _connects(bench, BACK, str(web.host)) is False
    assert await _connects(bench, BACK, str(back.host)) is True
    door = next(one for one in bench.gateway.config.doors if one.backend == "data/back")
    assert not any(IPv4Address(web.host) in source for source in door.sources)


async def _connects(bench: Bench, service: ServiceKey, host: str) -> bool:
    """Whether a container of the service can connect to port 8080 there."""
    script = f"import socket; socket.create_connection(({host!r}, 8080), timeout=2)"
    session = await bench.engine.exec(service, ["python3", "-c", script], tty=False)
    async for _ in session.output():
        pass
    code = await session.wait()
    await session.close()
    return code == 0


async def test_depends_moves_the_client_into_a_block_the_door_admits(bench: Bench) -> None:
    back = bench.web("back").team("data")
    front = bench.web("front").team("shop")
    await bench.apply(back, front)
    await bench.running(BACK, SHOP)
    (before,) = bench.gateway.endpoints("shop/front")
    await bench.apply(back, front.depends("data/back"))
    await bench.running(SHOP)
    (after,) = bench.gateway.endpoints("shop/front")
    door = next(one for one in bench.gateway.config.doors if one.backend == "data/back")
    assert any(IPv4Address(after.host) in source for source in door.sources)
    assert not any(IPv4Address(before.host) in source for source in door.sources)
    table = next(one for one in bench.gateway.config.names if dict(one.names).get("front"))
    assert str(dict(table.names)["back"]) == door.address.host
    sources = door.sources
    await bench.apply(back, front.depends("data/back").env(TEXT="new"))
    await bench.running(SHOP)
    door = next(one for one in bench.gateway.config.doors if one.backend == "data/back")
    assert door.sources == sources


async def test_a_bridge_keeps_its_address_when_containers_come_and_go(bench: Bench) -> None:
    await bench.apply(bench.web())
    await bench.running(WEB)
    bridge = Path("/sys/class/net", bench.networks().bridge("default"))
    if not bridge.exists():
        return  # not Podman: Docker pins its bridges by itself
    addresses = {(bridge / "address").read_text()}
    for number in range(3):
        await bench.apply(bench.web(TEXT=str(number)))
        await bench.running(WEB)
        addresses.add((bridge / "address").read_text())
    assert len(addresses) == 1
    assert (bridge / "addr_assign_type").read_text().strip() == "3"


async def test_the_network_of_an_empty_namespace_is_removed(bench: Bench) -> None:
    await bench.apply(bench.web("back").team("data"))
    await bench.running(BACK)
    await bench.engine.delete(BACK, volumes=True)
    await bench.until(lambda now: not now.pods)
    await bench.network_gone("data")


@pytest.fixture
async def published(
    docker_url: str, instance: str, test_image: str, needs: Needs
) -> AsyncIterator[Bench]:
    """As on a machine that has no route to its containers."""
    async with open_bench(docker_url, instance, reach=Reach.PUBLISHED) as made:
        made.image = test_image
        yield made


class TestPublished:
    async def test_ports_are_published_on_loopback_and_routed(self, published: Bench) -> None:
        await published.apply(published.web().replicas(2))
        await published.running(WEB)
        endpoints = published.gateway.endpoints("default/web")
        assert {one.host for one in endpoints} == {"127.0.0.1"}
        assert len(endpoints) == 2
        for one in endpoints:
            assert await published.get(one.host, port=one.port) == (200, "hello")
        assert not published.gateway.config.doors

    async def test_a_deploy_swaps_the_ports(self, published: Bench) -> None:
        await published.apply(published.web())
        await published.running(WEB)
        before = published.gateway.endpoints("default/web")
        await published.apply(published.web(TEXT="new"))
        await published.running(WEB)
        (after,) = published.gateway.endpoints("default/web")
        assert after not in before
        assert await published.get(after.host, port=after.port) == (200, "new")

    async def test_names_lead_to_containers_and_walls_are_said(self, published: Bench) -> None:
        back = published.web("back").team("data")
        front = published.web("front").team("shop").depends("data/back")
        await published.apply(back, front)
        deployments = await published.store.objects()
        assert any("doors" in said for said in published.engine.limits(deployments))

    async def test_a_restarted_server_finds_the_ports_again(self, published: Bench) -> None:
        await published.apply(published.web())
        await published.running(WEB)
        before = published.gateway.endpoints("default/web")
        await published.killed_and_started()
        await published.running(WEB)
        assert published.gateway.endpoints("default/web") == before
