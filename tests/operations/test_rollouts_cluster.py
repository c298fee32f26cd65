"""A stack of forty tenants on a real API server: rolled out, halted, taken up, taken back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from skerry.clock import SystemClock
from skerry.engines.kubernetes.engine import KubernetesEngine
from skerry.engines.kubernetes.parts import Parts
from skerry.model.cell import Cell, EngineKind
from skerry.model.keys import ObjectKey
from skerry.model.progress import Operation, OperationState
from skerry.model.rollout import RolloutState
from skerry.model.sources import Sources, SourceText
from skerry.model.stack import tenant_key
from skerry.operations import deploy
from skerry.operations.deploy import Request
from skerry.operations.going_on import go_on
from skerry.operations.logbook import Logbook
from skerry.operations.versions import RolloutRequest, roll_out
from skerry.operations.way_back import roll_back
from tests.cluster.cluster import TestCluster
from tests.fakes.store import MemoryStore
from tests.operations.world import ADMIN, FakeSecrets, parts

CELL = Cell(cell="eu-1", engine=EngineKind.KUBERNETES, domain="eu.test", routes="none")
NAMES = tuple(f"t{number:02}" for number in range(40))
IMAGE = {"1": "registry.test/app:1", "2": "registry.test/app:2", "bad": "fault/missing:1"}

pytestmark = pytest.mark.cluster


class Forty:
    """Forty tenants, and a command's way to them: each `process` is one with nothing in common
    with the others but the cell."""

    def __init__(self, cluster: TestCluster, stack: str) -> None:
        self.cluster = cluster
        self.name = stack
        self.client = cluster.client(cell=CELL.cell)

    def sources(self, version: str = "1") -> Sources:
        tenants = "\n".join(f"  {name}: {{}}" for name in NAMES)
        text = (
            f'stack: {self.name}\ntemplate: {{image: "{{version}}", port: none, deadline: 20s}}\n'
            f'values: {{version: "{IMAGE[version]}"}}\ntenants:\n{tenants}\n'
        )
        return Sources(name=self.name, texts=(SourceText(path="stack.yaml", text=text),))

    @asynccontextmanager
    async def process(self) -> AsyncIterator[Any]:
        client = self.cluster.client(cell=CELL.cell)
        secrets = FakeSecrets()
        engine = KubernetesEngine(
            Parts(cell=CELL, client=client, clock=SystemClock(), secrets=secrets)
        )
        platform = parts(engine, MemoryStore(), secrets=secrets)
        try:
            yield platform
        finally:
            await platform.running.close()
            await engine.close()

    async def apply(self) -> None:
        async with self.process() as platform:
            request = Request(sources=self.sources(), by=ADMIN)
            ended = await ended_of(platform, await deploy.apply(platform, request))
            assert ended.state is OperationState.DONE, ended.error

    async def roll_out(self, version: str, steps: str) -> Operation:
        async with self.process() as platform:
            return await ended_of(platform, await roll_out(platform, self.request(version, steps)))

    def request(self, version: str, steps: str, **wanted: Any) -> RolloutRequest:
        return RolloutRequest(
            sources=self.sources(),
            by=ADMIN,
            stack=self.name,
            version=IMAGE[version],
            steps=steps,
            **wanted,
        )

    async def images(self) -> dict[str, str]:
        found = {}
        listed = self.client.list("Deployment", labels=f"skerry.dev/stack={self.name}")
        async for each in listed:
            [container] = each["spec"]["template"]["spec"]["containers"]
            found[each["metadata"]["name"]] = container["image"]
        return found

    async def remove(self) -> None:
        for name in NAMES:
            await self.client.delete(ObjectKey("Namespace", "", tenant_key(self.name, name)[0]))
        await self.client.close()


async def ended_of(platform: Any, operation: Operation) -> Operation:
    async with asyncio.timeout(60):
        return await platform.running.wait(operation.id)  # type: ignore[no-any-return]


@pytest.fixture
async def forty(cluster: TestCluster, request: pytest.FixtureRequest) -> AsyncIterator[Forty]:
    """Up at version 1."""
    made = Forty(cluster, f"s{abs(hash(request.node.name)) % 10**6}")
    try:
        await made.apply()
        yield made
    finally:
        await made.remove()


async def test_a_version_that_fails_halts_after_the_first_wave_with_the_rest_untouched(
    forty: Forty,
) -> None:
    ended = await forty.roll_out("bad", "10%,100%")
    assert ended.state is OperationState.FAILED
    assert "wave 1 of 2: 4 tenants failed" in ended.error
    assert "cannot get image fault/missing:1" in ended.error
    assert "36 of 40 tenants are untouched" in ended.error
    assert set((await forty.images()).values()) == {IMAGE["1"]}
    async with forty.process() as platform:
        record = await Logbook(platform, forty.name).read()
        assert record.state is RolloutState.HALTED
        for tenant in record.waves[0]:
            verdicts = await platform.engine.releases(tenant_key(forty.name, tenant))
            assert [each.verdict.value for each in verdicts] == ["failed", "deployed"]
        [late] = await platform.engine.releases(tenant_key(forty.name, record.waves[1][0]))
        assert late.verdict.value == "deployed"


async def test_a_killed_roll_out_is_resumed_by_another_process_and_taken_back_by_a_third(
    forty: Forty,
) -> None:
    async with forty.process() as platform:
        begun = await roll_out(platform, forty.request("2", "5,100%", bake_seconds=60.0))
        async for said in platform.running.follow(begun.id):
            if said is not None and "watched for another" in getattr(said, "message", ""):
                break
        # the process is gone here: in the bake of its first wave
    images = await forty.images()
    assert sorted(images.values()).count(IMAGE["2"]) == 5

    async with forty.process() as platform:
        logbook = Logbook(platform, forty.name)
        record = await logbook.read()
        await logbook.put_back(with_short_bake(record))
        resumed = await go_on(platform, forty.name, sources=forty.sources(), by=ADMIN)
        ended = await ended_of(platform, resumed)
        assert ended.state is OperationState.DONE, ended.error
    assert set((await forty.images()).values()) == {IMAGE["2"]}

    async with forty.process() as platform:
        ended = await ended_of(platform, await roll_back(platform, forty.name, by=ADMIN))
        assert ended.state is OperationState.DONE, ended.error
    assert set((await forty.images()).values()) == {IMAGE["1"]}


def with_short_bake(record: Any) -> Any:
    """The same, its bake over in a moment, and its carrier silent for long: tests do not wait."""
    from dataclasses import replace
    from datetime import timedelta

    silent = record.heard - timedelta(minutes=1)
    return replace(record, bake_seconds=0.5, heard=silent)
