"""A checkout per test, and a second cluster: another region, which may be lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster import TestCluster, private_cluster
from tests.cluster.plane import missing
from tests.conftest import Needs
from tests.end_to_end.kubernetes.checkout import Checkout, new_checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """What it applied is taken down again."""
    made = new_checkout(tmp_path)
    yield made
    if made.state.exists():
        made.skerry("down", str(made.folder))


@pytest.fixture(scope="session")
def elsewhere(needs: Needs) -> Iterator[TestCluster]:
    """A second cluster, of these tests alone: its API server may be stopped."""
    needs(not missing(), missing())
    with private_cluster(controllers=False) as opened:
        yield opened


@pytest.fixture(scope="session")
def ours(cluster: TestCluster, needs: Needs) -> TestCluster:
    """The session's cluster, where faults of ours are welcome."""
    needs(cluster.ours, "somebody's own cluster is not for faults of ours")
    return cluster
