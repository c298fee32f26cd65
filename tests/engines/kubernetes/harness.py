"""The Kubernetes engine in the conformance suite, and for its own tests."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

import pytest

from skerry.clock import SystemClock
from skerry.engines.kubernetes.deleting import KINDS
from skerry.engines.kubernetes.engine import KubernetesEngine
from skerry.engines.kubernetes.kept import OWNED, SYSTEM
from skerry.engines.kubernetes.parts import Parts
from skerry.errors import Conflict, NotFound
from skerry.model.cell import Cell, EngineKind
from skerry.model.keys import ObjectKey
from skerry.ports import Engine
from tests.builders import ServiceBuilder, service
from tests.cluster.cluster import TestCluster
from tests.cluster.controllers import GONE_WITH_NAMESPACE
from tests.engines.kubernetes.bench import Vault

CELL = Cell(cell="eu-1", engine=EngineKind.KUBERNETES, domain="eu.test", routes="none")
_LINGERING = ("Pod", "Deployment", "PersistentVolumeClaim", "Namespace")
_KEPT = ("ConfigMap", "Lease", "ControllerRevision")


class KubernetesWorld:
    """An engine on a real API server, whose pods are those of the double. With a token it may
    do what that is let do, and the tests' own look behind it everything."""

    def __init__(self, cluster: TestCluster, token: str | None = None) -> None:
        self.cluster = cluster
        self._token = token
        self.vault = Vault()
        self.kubernetes = self.another()
        self.engine: Engine = self.kubernetes
        self.client = cluster.client(cell=CELL.cell)
        self.patience = 30.0

    def parts(self) -> Parts:
        """What an engine of this cell is made of, its client its own."""
        client = self.cluster.client(cell=CELL.cell, token=self._token)
        return Parts(cell=CELL, client=client, clock=SystemClock(), secrets=self.vault)

    def another(self) -> KubernetesEngine:
        """One more engine of the same cell, as another process has one."""
        return KubernetesEngine(self.parts())

    def service(self, name: str) -> ServiceBuilder:
        return service(name).image(self.image(1))

    def image(self, version: int) -> str:
        return f"registry.test/well:{version}"

    def exiting(self, builder: ServiceBuilder) -> ServiceBuilder:
        return builder.image("fault/exits:1")

    def never_ready(self, builder: ServiceBuilder) -> ServiceBuilder:
        return builder.image("fault/never-ready:1")

    def missing(self, builder: ServiceBuilder) -> ServiceBuilder:
        return builder.image("fault/missing:1")

    async def one_offs(self) -> Collection[str]:
        jobs = self.client.list("Job", namespace="default")
        return [each["metadata"]["name"] async for each in jobs]

    async def plant(self, name: str) -> None:
        metadata = {"name": name, "namespace": "default"}
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        await self.client.apply({**manifest, "data": {"whose": "theirs"}}, manager="somebody")

    async def intact(self, name: str) -> bool:
        found = await self.client.get(self.client.path_of("ConfigMap", "default", name))
        return bool(found["data"] == {"whose": "theirs"}) and not found["metadata"].get("labels")

    async def close(self) -> None:
        """Hang up."""
        await self.kubernetes.close()
        await self.client.close()

    async def clear(self) -> None:
        """An empty cell: nothing of Skerry's anywhere, and no pod."""
        for name in await self._names("ConfigMap", "default", ""):
            if name != "kube-root-ca.crt":
                await self.client.delete(ObjectKey("ConfigMap", "default", name))
        for kind in (*KINDS, "Job"):
            for key in await self._owned(kind):
                await self.client.delete(key)
        for kind in _KEPT:
            for name in await self._names(kind, SYSTEM, OWNED):
                await self.client.delete(ObjectKey(kind, SYSTEM, name))
        for _ in range(round(self.patience / 0.05)):
            if not (left := await self._owned(*_LINGERING)):
                return
            if {key.kind for key in left} == {"Namespace"}:
                for key in left:
                    await self._end(key.name)
            await asyncio.sleep(0.05)
        raise AssertionError(f"left: {left}")

    async def _end(self, namespace: str) -> None:
        """Empty one that is being deleted, and let it go: the cluster would wait five seconds
        before it began."""
        for kind in GONE_WITH_NAMESPACE:
            with suppress(NotFound):
                async for each in self.client.list(kind, namespace=namespace, metadata=True):
                    key = ObjectKey(kind, namespace, each["metadata"]["name"])
                    await self.client.delete(key)
        with suppress(NotFound, Conflict):
            there = await self.client.get(self.client.path_of("Namespace", "", namespace))
            await self.client.replace({**there, "spec": {}}, subresource="finalize")

    async def _owned(self, *kinds: str) -> list[ObjectKey]:
        found: list[ObjectKey] = []
        for kind in kinds:
            try:
                async for each in self.client.list(kind, labels=OWNED, metadata=True):
                    metadata = each["metadata"]
                    if metadata["name"] != SYSTEM:
                        namespace = metadata.get("namespace", "")
                        found.append(ObjectKey(kind, namespace, metadata["name"]))
            except NotFound:
                continue
        return [key for key in found if key.namespace != SYSTEM]

    async def _names(self, kind: str, namespace: str, labels: str) -> list[str]:
        listed = self.client.list(kind, namespace=namespace, labels=labels, metadata=True)
        return [each["metadata"]["name"] async for each in listed]


@asynccontextmanager
async def kubernetes_world(request: pytest.FixtureRequest) -> AsyncIterator[KubernetesWorld]:
    """An empty cell on the session's cluster, its engine let in as the server is."""
    cluster = request.getfixturevalue("cluster")
    world = KubernetesWorld(cluster, request.getfixturevalue("server_token"))
    try:
        await world.clear()
        yield world
        await world.clear()
    finally:
        await world.close()
