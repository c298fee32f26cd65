"""What a look at every object finds, and that the next apply puts it right."""

from typing import Any

import pytest

from skerry.engines.kubernetes.kept import INDEX, KEPT, OWNED, SYSTEM
from skerry.errors import Conflict
from skerry.model.change import Release, Verdict
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import MANAGED_BY, SERVICE
from skerry.model.world import Finding, Trouble
from skerry.operations.repair import repair
from tests.builders import ServiceBuilder, bundle
from tests.conformance.test_engine import NOW
from tests.conformance.world import applied, planned_cheaply
from tests.engines.kubernetes.harness import KubernetesWorld
from tests.engines.kubernetes.test_applying import foreign, image_of, live, with_image
from tests.fakes.store import MemoryStore
from tests.operations.world import ADMIN, parts

pytestmark = pytest.mark.cluster
WEB = ServiceKey("default", "web")
WORKLOAD = ObjectKey("Deployment", "default", "web")


async def deployed(world: KubernetesWorld, *services: ServiceBuilder) -> None:
    """Applied, with a release that says what was."""
    await applied(world, *services)
    for number, each in enumerate(services, 1):
        made = bundle(each, cell=world.engine.cell)
        await world.engine.record(
            Release(
                service=each.key,
                number=number,
                image="",
                by="ann",
                at=NOW,
                reason="new",
                inputs=made.inputs,
                objects=made.objects,
                verdict=Verdict.DEPLOYED,
            )
        )


async def found(world: KubernetesWorld) -> list[Finding]:
    """Everything that is not as it should be."""
    return [each async for each in world.engine.verify()]


async def troubles(world: KubernetesWorld) -> list[tuple[Trouble, str]]:
    """The same in short."""
    return sorted((each.trouble, str(each.key)) for each in await found(world))


async def repaired(world: KubernetesWorld, *services: ServiceBuilder) -> None:
    """An apply of the same documents, by a process that knows only what the cell says."""
    fresh = KubernetesWorld(world.cluster)
    try:
        index = await fresh.engine.index()
        made = await planned_cheaply(fresh, *services)
        assert {each.service for each in made.changes} >= {
            each.key
            for each in services
            if index.get(each.key) != bundle(each, cell=world.engine.cell).inputs
        }
        assert made.changes
        for change in made.changes:
            assert index.get(change.service) != change.inputs
            await fresh.engine.apply(change)
    finally:
        await fresh.close()
    assert await found(world) == []
    assert (await planned_cheaply(world, *services)).empty


async def patch(world: KubernetesWorld, key: ObjectKey, body: Any, *, manager: str) -> None:
    """What somebody does to an object."""
    path = world.client.path_of(*key)
    await world.client.patch(path, body, query={"fieldManager": manager})


@pytest.mark.parametrize("recorded", [True, False])
async def test_a_field_changed_by_hand_is_drift_and_the_next_apply_repairs_it(
    world: KubernetesWorld, recorded: bool
) -> None:
    web, api = world.service("web").replicas(1, most=3), world.service("api")
    await (deployed if recorded else applied)(world, web, api)
    container = {"name": "web", "image": "by-hand:1"}
    body = {"spec": {"template": {"spec": {"containers": [container]}}}}
    path = world.client.path_of(*WORKLOAD)
    by_hand = {"fieldManager": "kubectl-set"}
    await world.client.patch(path, body, kind="strategic", query=by_hand)
    (finding,) = await found(world)
    assert (finding.trouble, finding.key, finding.service) == (Trouble.DRIFT, WORKLOAD, WEB)
    assert "image" in finding.reason and "kubectl-set" in finding.reason
    await repaired(world, web, api)
    assert image_of(await live(world, "Deployment", "web")) == world.image(1)


async def test_a_field_that_was_taken_away_is_drift(world: KubernetesWorld) -> None:
    web = world.service("web").replicas(1, most=3)
    await deployed(world, web)
    autoscaler = ObjectKey("HorizontalPodAutoscaler", "default", "web")
    await patch(world, autoscaler, {"spec": {"behavior": None}}, manager="kubectl-edit")
    ((trouble, key),) = await troubles(world)
    assert (trouble, key) == (Trouble.DRIFT, str(autoscaler))
    await repaired(world, web)


async def test_an_object_that_is_gone_is_missing_and_made_again(world: KubernetesWorld) -> None:
    web = world.service("web")
    await deployed(world, web)
    service = ObjectKey("Service", "default", "web")
    await world.client.delete(service)
    assert await troubles(world) == [(Trouble.MISSING, str(service))]
    await repaired(world, web)
    await live(world, "Service", "web")


async def test_a_service_whose_deployment_is_gone_is_made_again(world: KubernetesWorld) -> None:
    web = world.service("web")
    await deployed(world, web, world.service("api"))
    await world.client.delete(WORKLOAD)
    assert await troubles(world) == [(Trouble.MISSING, str(WORKLOAD))]
    assert WEB not in await world.engine.index()
    await repaired(world, web, world.service("api"))


async def test_a_field_another_controller_holds_is_foreign_until_it_is_taken_over(
    world: KubernetesWorld,
) -> None:
    web = world.service("web")
    await deployed(world, web)
    await foreign(world, with_image("theirs:1"), manager="keeper")
    (finding,) = await found(world)
    assert finding.trouble is Trouble.FOREIGN
    assert "keeper" in finding.reason
    (change,) = (await planned_cheaply(world, web)).changes
    with pytest.raises(Conflict, match="keeper"):
        await world.engine.apply(change)
    await world.engine.apply(change, take_over=True)
    assert await found(world) == []


async def test_a_repair_takes_nothing_from_another_controller(world: KubernetesWorld) -> None:
    web = world.service("web").replicas(1, most=3)
    await deployed(world, web)
    autoscaler = ObjectKey("HorizontalPodAutoscaler", "default", "web")
    await patch(world, autoscaler, {"spec": {"maxReplicas": 7}}, manager="keeper")
    service = ObjectKey("Service", "default", "web")
    await world.client.delete(service)
    findings = await found(world)
    assert {each.trouble for each in findings} == {Trouble.FOREIGN, Trouble.MISSING}
    platform = parts(world.engine, MemoryStore())
    begun = await repair(platform, findings, by=ADMIN)
    ended = await platform.running.wait(begun.id)
    assert ended.error == ""
    await live(world, "Service", "web")
    held = await live(world, "HorizontalPodAutoscaler", "web")
    assert held["spec"]["maxReplicas"] == 7
    assert [each.trouble for each in await found(world)] == [Trouble.FOREIGN]


async def test_what_no_service_lists_is_an_orphan_and_the_next_apply_removes_it(
    world: KubernetesWorld,
) -> None:
    web = world.service("web")
    await deployed(world, web)
    for service in ("web", "ghost"):
        labels = {MANAGED_BY: "skerry", SERVICE: service}
        metadata = {"name": f"{service}-old", "namespace": "default", "labels": labels}
        manifest = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
        await foreign(world, manifest, manager="skerry")
    assert await troubles(world) == [
        (Trouble.ORPHAN, "ServiceAccount/default/ghost-old"),
        (Trouble.ORPHAN, "ServiceAccount/default/web-old"),
    ]
    (change,) = (await planned_cheaply(world, web)).changes
    await world.engine.apply(change)
    assert await troubles(world) == [(Trouble.ORPHAN, "ServiceAccount/default/ghost-old")]
    await world.engine.delete(ServiceKey("default", "ghost"), volumes=False)
    assert await troubles(world) == []


async def test_a_lost_index_is_made_anew_from_the_objects(world: KubernetesWorld) -> None:
    web, api = world.service("web"), world.service("api")
    await deployed(world, web, api)
    before = dict(await world.engine.index())
    labels = f"{OWNED},{KEPT}={INDEX}"
    async for each in world.client.list("ConfigMap", namespace=SYSTEM, labels=labels):
        await world.client.delete(ObjectKey("ConfigMap", SYSTEM, each["metadata"]["name"]))
    assert await world.engine.index() == {}
    assert [trouble for trouble, _ in await troubles(world)] == [Trouble.INDEX, Trouble.INDEX]
    assert dict(await world.engine.index()) == before
    assert await troubles(world) == []


async def test_what_somebody_is_writing_is_no_finding(world: KubernetesWorld) -> None:
    web = world.service("web")
    await deployed(world, web)
    async with world.engine.writing([WEB], by="ann"):
        await world.client.delete(ObjectKey("Service", "default", "web"))
        other = world.another()
        assert [each async for each in other.verify()] == []
        await other.close()
