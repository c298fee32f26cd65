"""The server in a cluster: its manifests are taken, and its role is enough for the engine.

The engine's own tests and its conformance suite act with the server's token too.
"""

from collections.abc import Callable

import pytest

from skerry.model.keys import ObjectKey
from skerry.model.objects import key_of
from skerry.model.progress import OperationState
from skerry.model.sources import Sources, SourceText
from skerry.model.stack import tenant_key
from skerry.operations.deploy import Request, apply
from skerry.settings import describe
from tests.cluster.cluster import TestCluster
from tests.deploy.manifests import NAMESPACE, every, read
from tests.engines.kubernetes.harness import kubernetes_world
from tests.fakes.store import MemoryStore
from tests.operations.world import ADMIN, parts

WORKLOADS = ("server.yaml", "secret.example.yaml")
STACK = """
stack: eu
template:
  image: registry.test/well:1
  secrets: {TOKEN: store:token}
  scale: {min: 1, max: 3}
tenants: {acme: {}, globex: {removed: 2026-01-01T00:00:00Z}}
"""


@pytest.fixture
def token(server_token: str | None, needs: Callable[[object, str], None]) -> str:
    """The server's."""
    needs(server_token, "a cluster of somebody's own is not for roles of ours")
    return str(server_token)


@pytest.mark.cluster
async def test_the_servers_role_is_enough_for_tenants(
    token: str, request: pytest.FixtureRequest
) -> None:
    async with kubernetes_world(request) as world:
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
