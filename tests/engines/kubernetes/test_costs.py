"""What a change costs in requests: what changed, and not how much there is."""

from dataclasses import dataclass

import pytest

from skerry.engines.kubernetes.engine import KubernetesEngine
from skerry.model.change import Change, Outcome, Release
from skerry.model.keys import ServiceKey
from skerry.model.objects import Bundle
from skerry.model.world import Scope
from skerry.observer.understand import understand
from skerry.planner.plan import differing, plan
from tests.builders import REPOSITORY, ServiceBuilder, bundles
from tests.conformance.test_engine import NOW
from tests.conformance.world import settled
from tests.engines.kubernetes.harness import KubernetesWorld
from tests.fakes.store import MemoryStore
from tests.operations.world import World, parts

pytestmark = pytest.mark.cluster


@dataclass
class Counter:
    """Requests since it was made."""

    world: KubernetesWorld

    def __post_init__(self) -> None:
        self._before = self.world.kubernetes.requests

    @property
    def requests(self) -> int:
        return self.world.kubernetes.requests - self._before


def many(world: KubernetesWorld, count: int) -> list[ServiceBuilder]:
    """Services that differ in nothing but their names."""
    return [world.service(f"s{number}").replicas(1, most=3) for number in range(count)]


async def deploy_all(world: KubernetesWorld, *services: ServiceBuilder) -> tuple[Bundle, ...]:
    """As an operation does: plan what differs, hold it, record it, apply it."""
    engine = world.engine
    index = await engine.index()
    wanted = bundles(*services, cell=engine.cell, skip=index)
    opened = differing(wanted, index, repository=REPOSITORY)
    snapshot = understand(await engine.inventory(Scope(services=opened)))
    made = plan(wanted, snapshot, repository=REPOSITORY, limits=engine.limits)
    async with engine.writing([each.service for each in made.changes], by="ann"):
        for change in made.changes:
            await engine.apply(change)
    return wanted


async def test_one_changed_service_among_many_costs_the_same_few_requests(
    world: KubernetesWorld,
) -> None:
    services = many(world, 30)
    await deploy_all(world, *services)
    costs = []
    for version in (2, 3):
        await settled(world, services[7].key)
        counter = Counter(world)
        services[7] = services[7].image(world.image(version))
        await deploy_all(world, *services)
        costs.append(counter.requests)
    # index, Deployment, releases; lease, index, index; PATCH; index, lease.
    assert costs == [9, 9]


async def test_nothing_changed_costs_one_request(world: KubernetesWorld) -> None:
    services = many(world, 10)
    await deploy_all(world, *services)
    counter = Counter(world)
    index = await world.engine.index()
    wanted = bundles(*services, cell=world.engine.cell, skip=index)
    assert not differing(wanted, index, repository=REPOSITORY)
    assert counter.requests == 1


async def test_an_operation_has_applied_its_one_change_after_twelve_requests_at_most(
    world: KubernetesWorld,
) -> None:
    engine = Noting(world.parts())
    server = World(parts(engine, MemoryStore()), engine)  # type: ignore[arg-type]  # any engine
    services = many(world, 5)
    await server.apply(*services)
    before = engine.requests
    operation = await server.apply(*services[:4], services[4].image(world.image(2)))
    assert operation.error == ""
    assert engine.applied_after - before <= 12
    await engine.close()


class Noting(KubernetesEngine):
    """Notes how many requests there were when a change was applied."""

    applied_after = 0

    async def apply(self, change: Change, *, take_over: bool = False) -> tuple[Outcome, ...]:
        outcomes = await super().apply(change, take_over=take_over)
        self.applied_after = self.requests
        return outcomes


async def test_many_created_at_once_need_hardly_more_requests_than_objects(
    world: KubernetesWorld,
) -> None:
    services = many(world, 20)
    counter = Counter(world)
    wanted = await deploy_all(world, *services)
    objects = sum(len(each.objects) for each in wanted)
    # Beside the objects: each Deployment is looked for once, and the index is begun.
    assert counter.requests < 1.2 * objects + 130


async def test_releases_of_a_wave_share_records(world: KubernetesWorld) -> None:
    tenants = [ServiceKey(f"eu-t{number}", f"t{number}") for number in range(200)]
    releases = [
        Release(
            service=each, number=1, image="", by="ann", at=NOW, reason="", inputs="", objects=()
        )
        for each in tenants
    ]
    counter = Counter(world)
    await world.engine.record(*releases)
    assert counter.requests <= 16 + 4
