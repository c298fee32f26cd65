"""`patch:` and `extra:` on a real cluster: planned with the service, there and gone with it."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from skerry.errors import NotFound, Refused
from skerry.model.keys import ServiceKey
from skerry.model.objects import DIGEST, annotation, owner_of
from tests.builders import ServiceBuilder
from tests.cluster.definitions import define
from tests.conformance.world import applied, planned, planned_cheaply, settled
from tests.engines.kubernetes.harness import KubernetesWorld

pytestmark = pytest.mark.cluster
WEB: Final = ServiceKey("default", "web")
ASSOCIATION: Final[dict[str, Any]] = {
    "apiVersion": "eks.services.k8s.aws/v1alpha1",
    "kind": "PodIdentityAssociation",
    "metadata": {"name": "web-db"},
    "spec": {
        "clusterName": "eu",
        "namespace": "default",
        "serviceAccount": "web",
        "roleARN": "arn:aws:iam::123456789012:role/web",
    },
}
FLAGS: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "flags"},
    "data": {"new-cart": "on"},
}
SIDECAR: Final = {"name": "tail", "image": "registry.test/well:1"}


@pytest.fixture
async def island(world: KubernetesWorld) -> AsyncIterator[KubernetesWorld]:
    """An empty cell that knows a kind Kubernetes does not have; for such, the server's role is
    not enough."""
    await define(world.client)
    admins = KubernetesWorld(world.cluster)
    await admins.client.resource_of("PodIdentityAssociation")
    yield admins
    await admins.close()


def web(world: KubernetesWorld, **fields: Any) -> ServiceBuilder:
    """The service, with a sidecar, and with these objects beside it."""
    patch = {"Deployment": {"spec": {"template": {"spec": {"containers": [SIDECAR]}}}}}
    return world.service("web").having(patch=patch, **fields)


async def there(world: KubernetesWorld, kind: str, name: str) -> bool:
    """Whether the cluster has such an object, and it is the service's."""
    try:
        found = await world.client.get(world.client.path_of(kind, "default", name))
    except NotFound:
        return False
    return owner_of(found) == WEB and bool(annotation(found, DIGEST))


class TestExtra:
    async def test_objects_of_any_kind_come_and_stay_and_go_with_the_document(
        self, island: KubernetesWorld
    ) -> None:
        both = web(island, extra=[FLAGS, ASSOCIATION])
        await applied(island, both)
        await settled(island, WEB)
        assert await there(island, "ConfigMap", "flags")
        assert await there(island, "PodIdentityAssociation", "web-db")
        assert (await planned(island, both)).empty
        assert (await planned_cheaply(island, both)).empty
        (change,) = (await planned_cheaply(island, web(island))).changes
        assert "extra.PodIdentityAssociation/web-db" in "\n".join(change.diff)
        await applied(island, web(island))
        assert not await there(island, "PodIdentityAssociation", "web-db")

    async def test_a_service_taken_down_takes_them_along(self, island: KubernetesWorld) -> None:
        await applied(island, web(island, extra=[FLAGS, ASSOCIATION]))
        await island.engine.delete(WEB, volumes=True)
        assert not await there(island, "ConfigMap", "flags")
        assert not await there(island, "PodIdentityAssociation", "web-db")

    async def test_what_only_the_cluster_knows_to_be_its_own_is_refused(
        self, island: KubernetesWorld
    ) -> None:
        metadata = {"name": "odd"}
        # A kind that no list of ours holds, and whose name does not say whose it is.
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        with pytest.raises(Refused, match="for the whole cluster"):
            await applied(island, web(island, extra=[{**review, "metadata": metadata}]))


class TestPatch:
    async def test_a_sidecar_runs_and_a_new_image_leaves_it_alone(
        self, island: KubernetesWorld
    ) -> None:
        await applied(island, web(island))
        await settled(island, WEB)
        assert (await planned(island, web(island))).empty
        await applied(island, web(island).image(island.image(2)))
        await settled(island, WEB)
        live = await island.client.get(island.client.path_of("Deployment", "default", "web"))
        images = [each["image"] for each in live["spec"]["template"]["spec"]["containers"]]
        assert images == [island.image(2), SIDECAR["image"]]
