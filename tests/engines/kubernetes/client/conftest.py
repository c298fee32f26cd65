"""What the client's tests share."""

from collections.abc import AsyncIterator, Iterator

import pytest

from skerry.engines.kubernetes.client.client import Client
from tests.cluster.cluster import TestCluster
from tests.cluster.proxy import FaultProxy, fault_proxy


@pytest.fixture
async def client(cluster: TestCluster) -> AsyncIterator[Client]:
    """The admin's client."""
    opened = cluster.client()
    yield opened
    await opened.close()


@pytest.fixture
async def namespace(cluster: TestCluster) -> AsyncIterator[str]:
    """A namespace of the test's own."""
    async with cluster.namespace() as name:
        yield name


@pytest.fixture
def proxy(cluster: TestCluster) -> Iterator[FaultProxy]:
    """A fault proxy before the cluster."""
    with fault_proxy(cluster) as opened:
        yield opened


@pytest.fixture
async def proxied(proxy: FaultProxy) -> AsyncIterator[Client]:
    """A client behind the fault proxy."""
    opened = proxy.client()
    yield opened
    await opened.close()
