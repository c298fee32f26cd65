"""What the engine's tests share: a cell on the session's cluster, and a team of one's own."""

from collections.abc import AsyncIterator

import pytest

from skerry.clock import SystemClock
from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.watching import Watches
from skerry.model.cell import Cell, EngineKind
from tests.cluster.cluster import TestCluster
from tests.engines.kubernetes.bench import Bench, Vault
from tests.engines.kubernetes.harness import KubernetesWorld, kubernetes_world


@pytest.fixture
async def parts(cluster: TestCluster) -> AsyncIterator[Parts]:
    """A cell on the cluster, its routes left out: not every cluster knows such objects."""
    cell = Cell(cell="eu-1", engine=EngineKind.KUBERNETES, domain="eu.test", routes="none")
    client = cluster.client(cell="eu-1")
    made = Parts(cell=cell, client=client, clock=SystemClock(), secrets=Vault())
    yield made
    await made.tasks.close()
    await client.close()


@pytest.fixture
async def watches(parts: Parts) -> AsyncIterator[Watches]:
    """Looks at the cell."""
    made = Watches(parts)
    yield made
    await made.close()


@pytest.fixture
async def bench(parts: Parts, watches: Watches, cluster: TestCluster) -> AsyncIterator[Bench]:
    """A namespace, and services in it."""
    async with cluster.namespace() as namespace:
        yield Bench(parts, watches, namespace)


@pytest.fixture
async def world(request: pytest.FixtureRequest) -> AsyncIterator[KubernetesWorld]:
    """The engine on an empty cell."""
    async with kubernetes_world(request) as made:
        yield made
