"""A count set by hand amid applies and looks at everything: nobody's mistake, and it stays."""

import pytest

from skerry.model.keys import ServiceKey
from skerry.model.world import Override
from tests.conformance.test_engine import NOW
from tests.conformance.world import applied, settled
from tests.engines.kubernetes.harness import KubernetesWorld
from tests.engines.kubernetes.test_verify import deployed, troubles

pytestmark = pytest.mark.cluster
WEB = ServiceKey("default", "web")


def by_hand(replicas: int) -> Override:
    return Override(replicas=replicas, by="ann", at=NOW)


@pytest.mark.parametrize("most", [None, 5])
async def test_it_is_no_finding_nor_is_giving_it_back_or_a_restart(
    world: KubernetesWorld, most: int | None
) -> None:
    await deployed(world, world.service("web").replicas(2, most))
    await world.engine.scale(WEB, by_hand(3))
    assert not await troubles(world)
    await world.engine.scale(WEB, None)
    assert not await troubles(world)
    await world.engine.restart(WEB)
    assert not await troubles(world)


async def test_somebody_elses_count_is_a_finding(world: KubernetesWorld) -> None:
    await deployed(world, world.service("web").replicas(2))
    path = world.client.path_of("Deployment", *WEB)
    body = {"spec": {"replicas": 4}}
    await world.client.patch(f"{path}/scale", body, query={"fieldManager": "somebody"})
    assert [key for _, key in await troubles(world)] == ["Deployment/default/web"]


async def test_an_apply_that_also_removes_an_object_leaves_it_alone(world: KubernetesWorld) -> None:
    await applied(world, world.service("web").replicas(2))
    await world.engine.scale(WEB, by_hand(3))
    await applied(world, world.service("web").image(world.image(2)))
    assert (await settled(world, WEB)).ready == 3
    await world.engine.scale(WEB, None)
    assert (await settled(world, WEB)).ready == 1
