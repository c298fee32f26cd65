"""A cluster at a glance."""

from decimal import Decimal

import pytest

from skerry.engines.kubernetes.report import quantity
from skerry.model.keys import ObjectKey
from tests.engines.kubernetes.harness import KubernetesWorld


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("4", "4"),
        ("3920m", "3.92"),
        ("15922980Ki", "16305131520"),
        ("16Gi", "17179869184"),
        ("16G", "16000000000"),
        ("1e3", "1000"),
        ("", "0"),
        (None, "0"),
        ("lots", "0"),
    ],
)
def test_amounts_are_read_as_kubernetes_writes_them(written: str | None, amount: str) -> None:
    assert quantity(written) == Decimal(amount)


@pytest.mark.cluster
async def test_machines_are_counted_and_one_that_is_unwell_is_named(
    world: KubernetesWorld,
) -> None:
    metadata = {"name": "report-node"}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": metadata}
    before = await world.engine.report()
    await world.client.create(node)
    try:
        status = {
            "allocatable": {"cpu": "3920m", "memory": "16Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "False", "message": "kubelet stopped"}],
        }
        path = f"{world.client.path_of('Node', '', 'report-node')}/status"
        await world.client.patch(path, {"status": status})
        found = await world.engine.report()
    finally:
        await world.client.delete(ObjectKey("Node", "", "report-node"))
    assert found.version.startswith("Kubernetes 1.")
    assert (found.machines or 0) - (before.machines or 0) == 1
    assert (found.cpu_millicores or 0) - (before.cpu_millicores or 0) == 3920
    assert (found.pods or 0) - (before.pods or 0) == 110
    assert "machine report-node is not ready: kubelet stopped" in found.problems
