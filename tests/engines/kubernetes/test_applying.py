"""What an apply does to a cluster, to whose fields, and to nothing else."""

import asyncio
import base64
import random
from typing import Any

import orjson
import pytest

from skerry.engines.kubernetes.kept import OWNED
from skerry.errors import Conflict, NotFound
from skerry.model.change import Change
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import INVENTORY, Manifest, key_of
from tests.builders import ServiceBuilder
from tests.conformance.world import applied, planned, planned_cheaply, settled
from tests.engines.kubernetes.harness import KubernetesWorld

pytestmark = pytest.mark.cluster
WEB = ServiceKey("default", "web")


async def live(world: KubernetesWorld, kind: str, name: str, namespace: str = "default") -> Any:
    """An object as the cluster has it."""
    return await world.client.get(world.client.path_of(kind, namespace, name))


async def foreign(world: KubernetesWorld, manifest: Manifest, *, manager: str) -> None:
    """Somebody else's doing."""
    await world.client.apply(manifest, manager=manager, force=True)


def image_of(deployment: Manifest) -> str:
    """What it runs."""
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def with_image(image: str) -> dict[str, Any]:
    """The Deployment `web`, as somebody sets its image."""
    pod = {"containers": [{"name": "web", "image": image}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"template": {"spec": pod}},
    }


class TestWhatIsNotOurs:
    async def test_an_object_that_is_there_already_is_named_and_left_alone(
        self, world: KubernetesWorld
    ) -> None:
        metadata = {"name": "web", "namespace": "default"}
        spec = {"selector": {"app": "theirs"}, "ports": [{"port": 5432}]}
        theirs = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
        await foreign(world, theirs, manager="somebody")
        before = await live(world, "Service", "web")
        try:
            with pytest.raises(Conflict, match="Service/default/web@eu-1"):
                await applied(world, world.service("web"))
            with pytest.raises(NotFound):
                await live(world, "Deployment", "web")
            made = await planned(world, world.service("web"))
            with pytest.raises(Conflict):
                await world.engine.apply(made.changes[0], take_over=True)
            assert await live(world, "Service", "web") == before
        finally:
            await world.client.delete(ObjectKey("Service", "default", "web"))

    async def test_a_deployment_of_the_same_name_is_left_alone(
        self, world: KubernetesWorld
    ) -> None:
        labels = {"app": "theirs"}
        pod = {"containers": [{"name": "web", "image": "theirs:1"}]}
        theirs = {
            **with_image("theirs:1"),
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        }
        await foreign(world, theirs, manager="somebody")
        try:
            made = await planned_cheaply(world, world.service("web"))
            with pytest.raises(Conflict, match="Deployment/default/web"):
                await world.engine.apply(made.changes[0])
            assert image_of(await live(world, "Deployment", "web")) == "theirs:1"
        finally:
            await world.client.delete(ObjectKey("Deployment", "default", "web"))

    async def test_a_field_another_manager_took_is_its_own_until_it_is_taken_over(
        self, world: KubernetesWorld
    ) -> None:
        web = world.service("web")
        await applied(world, web)
        await foreign(world, with_image("theirs:1"), manager="keeper")
        (change,) = (await planned_cheaply(world, web.image(world.image(2)))).changes
        with pytest.raises(Conflict, match="keeper"):
            await world.engine.apply(change)
        assert image_of(await live(world, "Deployment", "web")) == "theirs:1"
        await world.engine.apply(change, take_over=True)
        assert image_of(await live(world, "Deployment", "web")) == world.image(2)


class TestNamespaces:
    async def test_a_teams_namespace_is_made_when_something_is_put_into_it(
        self, world: KubernetesWorld
    ) -> None:
        team = f"team-{random.randrange(10**9)}"
        try:
            await applied(world, world.service("web").team(team))
            assert image_of(await live(world, "Deployment", "web", team)) == world.image(1)
        finally:
            await world.client.delete(ObjectKey("Namespace", "", team))


class TestSecrets:
    async def test_a_secret_is_filled_in_the_cluster_and_nowhere_else(
        self, world: KubernetesWorld
    ) -> None:
        world.vault.values["store:db"] = "hunter2"
        web = world.service("web").secret("PASSWORD", "store:db")
        made = await planned(world, web, fingerprints={"store:db": "1f"})
        (change,) = made.changes
        await world.engine.apply(change)
        (name,) = [key_of(each).name for each in change.objects if each["kind"] == "Secret"]
        secret = await live(world, "Secret", name)
        assert base64.b64decode(secret["data"]["PASSWORD"]) == b"hunter2"
        assert b"hunter2" not in orjson.dumps(change.objects)


class TestCounts:
    async def test_a_scaled_service_starts_with_its_minimum(self, world: KubernetesWorld) -> None:
        await applied(world, world.service("web").replicas(3, most=6))
        assert (await live(world, "Deployment", "web"))["spec"]["replicas"] == 3

    async def test_becoming_scaled_keeps_the_replicas_there_are(
        self, world: KubernetesWorld
    ) -> None:
        web = world.service("web")
        await applied(world, web.replicas(4))
        await applied(world, web.replicas(2, most=6))
        assert (await live(world, "Deployment", "web"))["spec"]["replicas"] == 4
        await applied(world, web.replicas(2, most=6).image(world.image(2)))
        assert (await live(world, "Deployment", "web"))["spec"]["replicas"] == 4

    async def test_what_the_autoscaler_chose_stays_and_a_document_without_one_wins(
        self, world: KubernetesWorld
    ) -> None:
        web = world.service("web")
        await applied(world, web.replicas(2, most=6))
        path = world.client.path_of("Deployment", "default", "web")
        by_autoscaler = {"fieldManager": "kube-controller-manager"}
        await world.client.patch(f"{path}/scale", {"spec": {"replicas": 5}}, query=by_autoscaler)
        await applied(world, web.replicas(2, most=6).image(world.image(2)))
        assert (await live(world, "Deployment", "web"))["spec"]["replicas"] == 5
        await applied(world, web.replicas(2).image(world.image(2)))
        assert (await live(world, "Deployment", "web"))["spec"]["replicas"] == 2


class TestWhatIsLeftOver:
    async def test_a_file_of_the_release_before_stays_while_it_is_rolled_away(
        self, world: KubernetesWorld
    ) -> None:
        web = world.service("web")
        seen: list[set[str]] = []
        for content in ("one", "two", "three"):
            wanted = web.file_at("/etc/web.conf", content)
            await applied(world, wanted)
            assert (await planned_cheaply(world, wanted)).empty
            maps = world.client.list("ConfigMap", namespace="default", labels=OWNED, metadata=True)
            seen.append({each["metadata"]["name"] async for each in maps})
        one, two, three = seen
        assert [len(each) for each in seen] == [1, 2, 2]
        assert one < two and three & two and not three & one

    async def test_the_inventory_lists_exactly_what_is_there(self, world: KubernetesWorld) -> None:
        web = world.service("web").replicas(2, most=4)
        await applied(world, web.file_at("/etc/web.conf", "a"))
        await applied(world, web)
        deployment = await live(world, "Deployment", "web")
        for written in orjson.loads(deployment["metadata"]["annotations"][INVENTORY]):
            kind, namespace, name = written.split("/")
            await live(world, kind, name, namespace)


class TestLooksThatAreOld:
    async def test_a_change_made_meanwhile_by_another_process_is_made_whole(
        self, world: KubernetesWorld
    ) -> None:
        web = world.service("web").replicas(1, most=3)
        await applied(world, web)
        changed = web.image(world.image(2))
        (change,) = (await planned_cheaply(world, changed)).changes
        other = KubernetesWorld(world.cluster)
        try:
            await applied(other, web.replicas(2, most=5).file_at("/etc/web.conf", "a"))
        finally:
            await other.close()
        await world.engine.apply(change)
        autoscaler = await live(world, "HorizontalPodAutoscaler", "web")
        assert autoscaler["spec"]["maxReplicas"] == 3
        assert image_of(await live(world, "Deployment", "web")) == world.image(2)


class TestBeingCutShort:
    async def test_an_apply_cut_at_any_point_is_finished_by_the_next(
        self, world: KubernetesWorld
    ) -> None:
        await world.plant("web")
        chance = random.Random(3)
        forms = [_form(world, number) for number in range(4)]
        for turn in range(24):
            wanted = forms[turn % len(forms)]
            cut = world.another()
            for change in (await planned_cheaply(world, wanted)).changes:
                await _cut(cut.apply(change), after=chance.uniform(0, 0.03))
            await cut.close()
            again = forms[chance.randrange(len(forms))]
            await _apply_anew(world, again)
            assert (await planned_cheaply(world, again)).empty
        await settled(world, WEB)
        assert await world.intact("web")
        assert [each async for each in world.engine.verify() if each.trouble != "orphan"] == []


def _form(world: KubernetesWorld, number: int) -> ServiceBuilder:
    web = world.service("web").image(world.image(number + 1))
    if number % 2:
        web = web.replicas(1, most=2 + number)
    return web.file_at("/etc/web.conf", str(number)) if number > 1 else web


async def _cut(work: Any, *, after: float) -> None:
    task = asyncio.ensure_future(work)
    await asyncio.sleep(after)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _apply_anew(world: KubernetesWorld, wanted: ServiceBuilder) -> None:
    """As a process does that knows nothing."""
    fresh = KubernetesWorld(world.cluster)
    try:
        changes: tuple[Change, ...] = (await planned_cheaply(fresh, wanted)).changes
        for change in changes:
            await fresh.engine.apply(change)
    finally:
        await fresh.close()
