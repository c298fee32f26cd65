"""What goes with a service, and what does not."""

import random

import pytest

from skerry.errors import Conflict, NotFound
from skerry.model.change import Action, Change
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import MANAGED_BY, SERVICE, STACK, TENANT, Manifest, stamp
from skerry.model.stack import tenant_key
from tests.builders import bundle
from tests.conformance.world import applied, empty
from tests.engines.kubernetes.harness import KubernetesWorld
from tests.engines.kubernetes.test_applying import foreign, live

pytestmark = pytest.mark.cluster


async def tenant(world: KubernetesWorld) -> ServiceKey:
    """One tenant, in a namespace of its own."""
    key = tenant_key("eu", f"t{random.randrange(10**9)}")
    labels = {
        MANAGED_BY: "skerry",
        SERVICE: f"{key.namespace}.{key.name}",
        STACK: "eu",
        TENANT: key.name,
    }
    metadata = {"name": key.namespace, "labels": labels}
    namespace: Manifest = stamp({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    made = bundle(world.service(key.name).team(key.namespace), cell=world.engine.cell)
    objects = (namespace, *made.objects)
    change = Change(service=key, action=Action.CREATE, reason="new", apply=objects, objects=objects)
    await world.engine.apply(change)
    return key


async def gone(world: KubernetesWorld, key: ServiceKey) -> bool:
    """Whether the tenant's namespace is, or is about to be."""
    try:
        namespace = await live(world, "Namespace", key.namespace, "")
    except NotFound:
        return True
    return "deletionTimestamp" in namespace["metadata"]


async def test_a_tenants_namespace_goes_with_it(world: KubernetesWorld) -> None:
    key = await tenant(world)
    outcomes = await world.engine.delete(key, volumes=True)
    assert ObjectKey("Namespace", "", key.namespace) in {each.key for each in outcomes}
    assert await gone(world, key)
    assert key not in await world.engine.index()


async def test_a_namespace_with_something_of_somebody_elses_in_it_stays(
    world: KubernetesWorld,
) -> None:
    key = await tenant(world)
    metadata = {"name": "theirs", "namespace": key.namespace}
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    await foreign(world, theirs, manager="somebody")
    with pytest.raises(Conflict, match="ConfigMap/theirs"):
        await world.engine.delete(key, volumes=True)
    assert not await gone(world, key)
    await world.client.delete(ObjectKey("ConfigMap", key.namespace, "theirs"))
    await world.engine.delete(key, volumes=True)
    assert await gone(world, key)


async def test_what_a_deletion_that_was_cut_short_left_goes_with_the_next(
    world: KubernetesWorld,
) -> None:
    web = world.service("web").replicas(1, most=3)
    await applied(world, web)
    await world.client.delete(ObjectKey("Deployment", "default", "web"))
    await world.engine.delete(web.key, volumes=False)
    await empty(world)
    with pytest.raises(NotFound):
        await live(world, "Service", "web")


async def test_an_object_that_was_made_anew_by_somebody_else_stays(
    world: KubernetesWorld,
) -> None:
    web = world.service("web")
    await applied(world, web)
    service = ObjectKey("Service", "default", "web")
    await world.client.delete(service)
    spec = {"selector": {"app": "theirs"}, "ports": [{"port": 5432}]}
    metadata = {"name": "web", "namespace": "default"}
    theirs = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    await foreign(world, theirs, manager="somebody")
    try:
        await world.engine.delete(web.key, volumes=True)
        assert (await live(world, "Service", "web"))["spec"]["selector"] == {"app": "theirs"}
    finally:
        await world.client.delete(service)
