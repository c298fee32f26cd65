"""A server that dies takes nothing along, and the next one finishes what it began."""

import asyncio
from dataclasses import replace

import pytest

from skerry.engines.local.containers import Placement, Settings, create_body, labels_of
from skerry.engines.local.host import look_at
from skerry.model.keys import ServiceKey
from tests.engines.local.harness import Bench

pytestmark = pytest.mark.engine

WEB = ServiceKey("default", "web")


async def test_what_runs_is_adopted_and_never_leaves_the_traffic(bench: Bench) -> None:
    await bench.apply(bench.web().replicas(2))
    before = (await bench.running(WEB)).services[WEB]
    routed = bench.gateway.endpoints("default/web")
    bench.gateway.programmed.clear()
    await bench.killed_and_started()
    after = (await bench.running(WEB)).services[WEB]
    assert [one.name for one in after.replicas] == [one.name for one in before.replicas]
    assert {bench.gateway.endpoints("default/web")} == {routed}
    assert all(config.backends[0].endpoints == routed for config in bench.gateway.programmed)


async def test_a_crash_in_the_middle_of_a_rollout_is_finished(bench: Bench) -> None:
    await bench.apply(bench.web().replicas(2))
    await bench.running(WEB)
    await bench.apply(bench.web(TEXT="new").replicas(2))
    for pause in (0.05, 0.15, 0.3, 0.5):
        await asyncio.sleep(pause)
        await bench.killed_and_started()
        assert bench.gateway.endpoints("default/web")
    state = (await bench.running(WEB)).services[WEB]
    assert state.ready == 2
    for address in bench.gateway.endpoints("default/web"):
        assert await bench.get(address.host) == (200, "new")
    assert await _containers(bench) == 2


async def test_what_was_leaving_never_comes_back_into_traffic(bench: Bench) -> None:
    await bench.apply(bench.web(IGNORE_TERM="1"))
    await bench.running(WEB)
    (old,) = bench.gateway.endpoints("default/web")
    await bench.apply(bench.web(TEXT="new"))
    await bench.until(lambda now: any("deletionTimestamp" in p["metadata"] for p in now.pods))
    await asyncio.sleep(0.3)
    bench.gateway.programmed.clear()
    await bench.killed_and_started()
    await bench.running(WEB)
    assert not any(old in one.endpoints for c in bench.gateway.programmed for one in c.backends)


async def test_containers_nobody_wants_and_half_made_ones_are_removed(bench: Bench) -> None:
    await bench.apply(bench.web())
    await bench.running(WEB)
    network = await bench.networks().ensure("default")
    host = bench.host
    settings = Settings(instance=bench.instance, ulimits=host.ulimits, json_logs=host.json_logs)
    for name in ("half", "job"):
        body = create_body(
            {"spec": {"containers": [{"image": bench.image}]}},
            settings=settings,
            environment=(),
            placement=Placement(network=network),
            namespace="default",
            labels=labels_of(settings, WEB, role=name, pod=name),
        )
        await bench.runtime.create(f"{bench.instance}-{name}", body)
    await bench.runtime.start(f"{bench.instance}-job")
    assert await _containers(bench) == 3
    await bench.killed_and_started()
    await bench.running(WEB)
    assert await _containers(bench) == 1


async def test_objects_applied_without_a_server_are_begun_by_the_next(bench: Bench) -> None:
    await bench.apply(bench.web())
    await bench.killed_and_started()
    assert (await bench.running(WEB)).services[WEB].ready == 1


async def test_a_container_engine_away_is_said_and_nothing_is_taken_for_dead(
    bench: Bench,
) -> None:
    proxy = await Proxy(bench.host.api.url).start()
    away = await look_at(proxy.url)
    assert away is not None
    await bench.apply(bench.web())
    await bench.running(WEB)
    routed = bench.gateway.endpoints("default/web")
    await bench.engine.close()
    home, bench.host = bench.host, replace(bench.host, api=away.api)
    bench.engine = bench.new_engine()
    await bench.engine.start()
    await proxy.stop()
    seen = await bench.until(lambda now: bool(now.problems))
    assert "does not answer" in seen.problems[0]
    assert bench.gateway.endpoints("default/web") == routed
    assert seen.pods[0]["status"]["conditions"][0]["status"] == "True"
    await proxy.start()
    await bench.until(lambda now: not now.problems)
    assert bench.gateway.endpoints("default/web") == routed
    await bench.engine.close()
    await away.api.close()
    await proxy.stop()
    bench.host = home
    bench.engine = bench.new_engine()
    await bench.engine.start()


async def test_destroying_leaves_nothing_but_what_was_wanted(bench: Bench) -> None:
    await bench.apply(bench.web().volume("data", "/data"))
    await bench.running(WEB)
    await bench.engine.destroy(volumes=False)
    assert await _containers(bench) == 0
    assert await bench.networks().existing() == ()
    assert len(await bench.runtime.volumes()) == 1
    assert await bench.store.objects()
    bench.engine = bench.new_engine()
    await bench.engine.start()
    assert (await bench.running(WEB)).services[WEB].ready == 1


async def _containers(bench: Bench) -> int:
    for _ in range(100):
        found = await bench.runtime.list()
        if all(one.state == "running" for one in found):
            break
        await asyncio.sleep(0.05)
    return len(found)


class Proxy:
    """A socket before the container engine's, that can be taken away."""

    def __init__(self, url: str) -> None:
        self._target = url.removeprefix("unix://")
        self._path = f"{self._target}.{id(self)}"
        self.url = f"unix://{self._path}"
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> "Proxy":
        self._server = await asyncio.start_unix_server(self._serve, self._path)
        return self

    async def stop(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        await asyncio.sleep(0.05)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._target)
        self._writers += [writer, back]
        await asyncio.gather(_copy(reader, back), _copy(there, writer), return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
