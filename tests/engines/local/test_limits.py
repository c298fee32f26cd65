"""What a machine cannot do of a document, said in the plan before it is tried."""

from typing import Any

import pytest

from skerry.engines.local.limits import limits_of
from tests.builders import bundle, service

WEB = service("web")
SIDECAR = {"name": "tail", "image": "tail:1"}
FLAGS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flags"}}


def patch(kind: str, **spec: Any) -> dict[str, Any]:
    """A document's patch of one kind's spec."""
    return {kind: {"spec": spec}}


def test_a_plain_service_is_all_there() -> None:
    assert limits_of(bundle(WEB).objects, routed=True) == ()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"extra": [FLAGS]},
            "web goes without its extra ConfigMap/flags: only a cluster can act on that",
        ),
        (
            {"patch": patch("Deployment", template={"spec": {"containers": [SIDECAR]}})},
            "web runs without tail: this cell runs one container a replica",
        ),
        (
            {"patch": patch("Service", type="NodePort")},
            "web gets no NodePort: this cell has no nodes, its gateway serves public routes",
        ),
        (
            {"access": {"role": "orders"}},
            "web has no cloud role orders here: this cell hands out none",
        ),
    ],
    ids=["extra", "sidecar", "node port", "cloud role"],
)
def test_what_only_a_cluster_can_do_is_said(fields: dict[str, Any], said: str) -> None:
    assert limits_of(bundle(WEB.having(**fields)).objects, routed=True) == (said,)
