"""The server in a cluster: its manifests are taken, and its role is enough for the engine."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from skerry.clock import SystemClock
from skerry.engines.kubernetes.client.client import Client
from skerry.engines.kubernetes.parts import Parts
from skerry.model.keys import ObjectKey
from skerry.model.objects import key_of
from skerry.model.progress import OperationState
from skerry.model.sources import Sources, SourceText
from skerry.model.stack import tenant_key
from skerry.operations.deploy import Request, apply
from skerry.settings import describe
from tests.cluster.cluster import TestCluster
from tests.conformance import test_engine as conformance
from tests.deploy.manifests import NAMESPACE, every, read, token_of_server
from tests.engines.kubernetes.harness import CELL, KubernetesWorld
from tests.fakes.store import MemoryStore
from tests.operations.world import ADMIN, parts

WORKLOADS = ("server.yaml", "secret.example.yaml")


def promises() -> Iterator[Any]:
    """Every test of the conformance suite that needs a world and nothing else."""
    for group in vars(conformance).values():
        if inspect.isclass(group) and group.__name__.startswith("Test"):
            for name, test in vars(group).items():
                if name.startswith("test_") and len(inspect.signature(test).parameters) == 2:
                    yield pytest.param(group, test, id=name.removeprefix("test_"))


class ServersWorld(KubernetesWorld):
    """A cell whose engine is let in as the server is."""

    def __init__(self, cluster: TestCluster, token: str) -> None:
        self._token = token
        super().__init__(cluster)

    def parts(self) -> Parts:
        client = self.cluster.client(cell=CELL.cell, token=self._token)
        return Parts(cell=CELL, client=client, clock=SystemClock(), secrets=self.vault)


@pytest.fixture(scope="module")
def token(cluster: TestCluster, needs: Callable[[object, str], None]) -> Iterator[str]:
    """The server's, its ServiceAccount and role made from the manifests."""
    needs(cluster.ours, "a cluster of somebody's own is not for roles of ours")
    asyncio.run(each_of(cluster, read("access.yaml"), lambda client, it: client.apply(it)))
    yield token_of_server(cluster)
    asyncio.run(each_of(cluster, read("access.yaml"), lambda client, it: client.delete(key_of(it))))


async def each_of(
    cluster: TestCluster, manifests: list[dict[str, Any]], act: Callable[[Client, Any], Any]
) -> None:
    client = cluster.client()
    try:
        for manifest in manifests:
            await act(client, manifest)
    finally:
        await client.close()


@pytest.fixture
async def world(cluster: TestCluster, token: str) -> AsyncIterator[ServersWorld]:
    made = ServersWorld(cluster, token)
    try:
        await made.clear()
        yield made
        await made.clear()
    finally:
        await made.close()


@pytest.mark.cluster
@pytest.mark.parametrize(("group", "promise"), list(promises()))
async def test_the_servers_role_is_enough(world: ServersWorld, group: Any, promise: Any) -> None:
    await promise(group(), world)


STACK = """
stack: eu
template:
  image: registry.test/well:1
  secrets: {TOKEN: store:token}
  scale: {min: 1, max: 3}
tenants: {acme: {}, globex: {removed: 2026-01-01T00:00:00Z}}
"""


@pytest.mark.cluster
async def test_the_servers_role_is_enough_for_tenants(world: ServersWorld) -> None:
    world.vault.values = {f"store:eu-{each}/token": "t" for each in ("acme", "globex")}
    platform = parts(world.kubernetes, MemoryStore(), secrets=world.vault)
    sources = Sources(name="shop", texts=(SourceText(path="s.yaml", text=STACK),))
    begun = await apply(platform, Request(sources=sources, by=ADMIN))
    ended = await platform.running.wait(begun.id)
    await platform.running.close()
    assert ended.state is OperationState.DONE, ended.error
    assert [each async for each in world.kubernetes.verify()] == []
    await world.kubernetes.delete(tenant_key("eu", "acme"), volumes=True)


@pytest.mark.cluster
async def test_the_servers_role_is_not_everything(cluster: TestCluster, token: str) -> None:
    client = cluster.client(token=token)
    try:
        for path in (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            "/api/v1/namespaces/default/pods/x/ephemeralcontainers",
            "/apis/apps/v1/namespaces/default/statefulsets/x",
        ):
            with pytest.raises(Exception, match=r"[Ff]orbidden|may not|not allowed"):
                await client.get(path)
    finally:
        await client.close()


@pytest.mark.cluster
async def test_a_cluster_takes_every_manifest(cluster: TestCluster, token: str) -> None:
    client = cluster.client()
    try:
        for file in WORKLOADS:
            for manifest in read(file):
                await client.apply(manifest, dry_run=True)
    finally:
        await client.close()


@pytest.mark.cluster
async def test_the_servers_pod_passes_where_pod_security_is_restricted(
    cluster: TestCluster, token: str
) -> None:
    deployment = next(each for each in every() if each["kind"] == "Deployment")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "namespace": NAMESPACE},
        "spec": deployment["spec"]["template"]["spec"],
    }
    client = cluster.client()
    try:
        await client.apply(pod, dry_run=True)
    finally:
        await client.close()


def test_every_setting_the_manifests_use_there_is() -> None:
    deployment = next(each for each in every() if each["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    used = {each["name"] for each in container["env"] if each["name"].startswith("SKERRY_")}
    assert used <= {each.name for each in describe()}
    assert {"SKERRY_DATABASE", "SKERRY_REPOSITORY", "SKERRY_URL", "SKERRY_LOCAL"} <= used


def test_what_the_pod_mounts_and_reads_is_in_the_secret() -> None:
    secret = next(each for each in every() if each["kind"] == "Secret")
    deployment = next(each for each in every() if each["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    references = [
        each["valueFrom"]["secretKeyRef"]
        for each in container["env"]
        if "secretKeyRef" in each.get("valueFrom", {})
    ]
    assert {each["name"] for each in references} == {secret["metadata"]["name"]}
    assert {each["key"] for each in references} <= set(secret["stringData"])


def test_every_object_is_the_servers_own() -> None:
    keys = {key_of(each) for each in every()}
    assert {key.namespace for key in keys if key.namespace} == {NAMESPACE}
    assert ObjectKey("ClusterRole", "", "skerry-server") in keys
