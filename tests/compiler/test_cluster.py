"""A real API server takes what is compiled, to the last field: nothing unknown, nothing that
its admission refuses or warns of, in a namespace that is restricted."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
import orjson
import pytest

from skerry.clock import SystemClock
from skerry.compiler.tenancy_compile import Look, compile_tenants
from skerry.engines.kubernetes.client.access import tls_of
from skerry.engines.kubernetes.client.client import Client
from skerry.engines.kubernetes.client.credentials import find_access
from skerry.model.objects import Bundle, Manifest
from skerry.model.sources import Sources, SourceText
from skerry.spec.load import load
from tests.builders import bundle, service
from tests.cluster.cluster import TestCluster
from tests.cluster.definitions import define
from tests.compiler.clusters import cluster as cell
from tests.compiler.clusters import pod_of
from tests.compiler.golden import NAMES, compile_case

CASES: Final = [name for name in NAMES if name.startswith("cluster-")]
TENANTS: Final = """
cell: eu-1
engine: kubernetes
---
stack: clinics
template:
  image: "ghcr.io/acme/clinic:{version}"
  scale: {min: 2, max: 6}
  volumes: {}
  secrets: {DATABASE_URL: "store:{tenant}-db"}
allow: [10.1.0.0/16:5432, 0.0.0.0/0:443]
values: {version: "5"}
tenants: {acme: {}}
"""
ROOTED: Final = "cluster-baseline"
KINDS: Final = {
    "ConfigMap",
    "CronJob",
    "Deployment",
    "HTTPRoute",
    "HorizontalPodAutoscaler",
    "Ingress",
    "Job",
    "NetworkPolicy",
    "PersistentVolumeClaim",
    "PodDisruptionBudget",
    "PodIdentityAssociation",
    "Secret",
    "Service",
    "ServiceAccount",
}
APPLY: Final = {"Content-Type": "application/apply-patch+yaml"}
DRY: Final = {"dryRun": "All", "fieldValidation": "Strict", "fieldManager": "skerry"}


class Taster:
    """Applies objects without keeping them, and hears the server's warnings."""

    def __init__(self, client: Client, session: aiohttp.ClientSession) -> None:
        self._client = client
        self._session = session

    async def account(self, name: str, namespace: str) -> None:
        """Make one for real: a pod wants its own to be there."""
        metadata = {"name": name, "namespace": namespace}
        manifest = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
        await self._client.apply(manifest, manager="skerry-tests")

    async def says(self, manifest: Manifest, namespace: str) -> str:
        """What the server has against it; empty when nothing."""
        placed = manifest
        if "namespace" in manifest["metadata"]:
            placed = {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
        resource = await self._client.resource_of(manifest["kind"], manifest["apiVersion"])
        path = resource.object_path(namespace, manifest["metadata"]["name"])
        body = orjson.dumps(placed)
        async with self._session.patch(path, params=DRY, headers=APPLY, data=body) as answer:
            if answer.status not in (200, 201):
                return str((await answer.json())["message"])
            return "; ".join(answer.headers.getall("Warning", []))


@pytest.fixture
async def taster(cluster: TestCluster) -> AsyncIterator[Taster]:
    """For a cluster that knows routes and associations."""
    access = find_access(None, str(cluster.kubeconfig), {})
    given = await access.identity.credentials(SystemClock())
    connector = aiohttp.TCPConnector(ssl=tls_of(access, given.certificate) or False)
    headers = {"Authorization": given.authorization} if given.authorization else {}
    client = cluster.client()
    try:
        await define(client)
        async with aiohttp.ClientSession(
            access.url, connector=connector, headers=headers
        ) as session:
            yield Taster(client, session)
    finally:
        await client.close()


@pytest.fixture
async def namespace(cluster: TestCluster) -> AsyncIterator[str]:
    """One where Pod Security is enforced as restricted."""
    async with cluster.namespace("compiled") as name:
        client = cluster.client()
        labels = {
            f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")
        }
        await client.patch(f"/api/v1/namespaces/{name}", {"metadata": {"labels": labels}})
        await client.close()
        yield name


def everything(compiled: Bundle) -> list[Manifest]:
    """All of a bundle, and the Job ahead of it."""
    return [*compiled.objects, *([compiled.before] if compiled.before else [])]


async def judge(objects: list[Manifest], taster: Taster, namespace: str) -> dict[str, str]:
    """What the server has against which object, by kind, and against pods made of them."""
    said: dict[str, str] = {}
    for each in objects:
        said[each["kind"]] = said.get(each["kind"], "") + await taster.says(each, namespace)
    for each in pods(objects):
        await taster.account(each["spec"].get("serviceAccountName", "default"), namespace)
        said["Pod"] = said.get("Pod", "") + await taster.says(each, namespace)
    return {kind: against for kind, against in said.items() if against}


def pods(objects: list[Manifest]) -> Iterator[Manifest]:
    """A pod of each template that an object holds."""
    for each in objects:
        spec: Mapping[str, Any] = each.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template:
            metadata = {**template.get("metadata", {}), "name": "taste"}
            yield {"apiVersion": "v1", "kind": "Pod", **template, "metadata": metadata}


def test_every_kind_a_service_can_consist_of_is_in_a_case() -> None:
    assert {each["kind"] for case in CASES for each in everything(compile_case(case))} == KINDS


@pytest.mark.cluster
@pytest.mark.parametrize("case", [case for case in CASES if case != ROOTED])
async def test_a_server_takes_every_object_and_pod_without_a_word(
    case: str, taster: Taster, namespace: str
) -> None:
    assert await judge(everything(compile_case(case)), taster, namespace) == {}


@pytest.mark.cluster
async def test_what_may_run_as_root_is_refused_where_pod_security_is_restricted(
    taster: Taster, namespace: str
) -> None:
    said = await judge(everything(compile_case(ROOTED)), taster, namespace)
    assert "runAsNonRoot" in said.pop("Pod")
    assert "would violate PodSecurity" in said.pop("Deployment")
    assert said == {}


@pytest.mark.cluster
async def test_a_server_takes_a_tenant_and_the_walls_around_it(
    taster: Taster, namespace: str
) -> None:
    loaded = load(Sources(name="clinics", texts=(SourceText(path="a.yaml", text=TENANTS),)))
    look = Look(index={}, now=datetime(2026, 1, 1, tzinfo=UTC))
    (cell_,) = loaded.cells
    found = compile_tenants(loaded, cell_, contents={}, fingerprints={}, look=look)
    objects = everything(found.bundles[0])
    around = {"Namespace", "ResourceQuota", "LimitRange", "Role", "RoleBinding"}
    assert around <= {each["kind"] for each in objects}
    assert await judge(objects, taster, namespace) == {}


@pytest.mark.cluster
async def test_a_patch_with_a_field_nobody_knows_is_refused_by_name(
    taster: Taster, namespace: str
) -> None:
    patch: dict[str, Any] = {"Deployment": {"spec": {"template": {"spec": {"nodeSelektor": {}}}}}}
    compiled = bundle(service("web").having(patch=patch), cell=cell())
    assert "nodeSelektor" in pod_of(compiled)
    (deployment,) = [each for each in compiled.objects if each["kind"] == "Deployment"]
    assert "nodeSelektor" in await taster.says(deployment, namespace)
