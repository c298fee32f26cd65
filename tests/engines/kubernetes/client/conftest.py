"""What the client's tests share."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from skerry.engines.kubernetes.client.client import Client
from tests.cluster.cluster import NAMED, TestCluster
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
def proxy(cluster: TestCluster, needs: Callable[[object, str], None]) -> Iterator[FaultProxy]:
    """A fault proxy before the cluster."""
    needs(cluster.ours, f"{NAMED} is somebody's cluster: its address and token are not ours")
    with fault_proxy(cluster) as opened:
        yield opened


@pytest.fixture
async def proxied(proxy: FaultProxy) -> AsyncIterator[Client]:
    """A client behind the fault proxy."""
    opened = proxy.client()
    yield opened
    await opened.close()


@pytest.fixture
async def guest(
    cluster: TestCluster, needs: Callable[[object, str], None]
) -> AsyncIterator[Client]:
    """The client of somebody who may do nothing."""
    needs(cluster.ours, f"{NAMED} is somebody's cluster: it has no guest")
    opened = cluster.client(token=cluster.guest_token)
    yield opened
    await opened.close()
