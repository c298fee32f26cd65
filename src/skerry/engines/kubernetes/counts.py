"""The count of replicas, where it is not the document's to say: an autoscaler's, a person's.

Server-side apply resets a field to its default when the last manager that had it leaves it
out. So before the count is left out, the live one is put in force under a manager of its own.
"""

from typing import Any

from skerry.engines.kubernetes.client.client import Client
from skerry.engines.kubernetes.inventory import Live
from skerry.engines.kubernetes.overrides import SCALE_MANAGER, under_override
from skerry.errors import NotFound
from skerry.model.keys import ObjectKey
from skerry.model.objects import Manifest, key_of


async def hand_over(client: Client, deployment: Manifest, live: Live) -> None:
    """Before an apply that leaves the count out: keep the one that is there."""
    if live.there and live.owns_count and "replicas" not in deployment["spec"]:
        await set_count(client, key_of(deployment), live.count if live.count is not None else 1)


async def start_at_least(
    client: Client, deployment: Manifest, autoscaler: Manifest | None
) -> dict[str, Any] | None:
    """After a scaled Deployment was made: its autoscaler's minimum, at once. The Deployment as
    it is then, or None when one replica is what it is to have."""
    if autoscaler is None or "replicas" in deployment["spec"]:
        return None
    least = int(autoscaler["spec"].get("minReplicas", 1))
    return await set_count(client, key_of(deployment), least) if least > 1 else None


async def set_count(client: Client, key: ObjectKey, count: int) -> dict[str, Any]:
    """Have that many, under the manager of counts."""
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": key.name, "namespace": key.namespace},
        "spec": {"replicas": count},
    }
    return await client.apply(manifest, manager=SCALE_MANAGER, force=True)


async def with_count_by_hand(client: Client, manifest: Manifest, live: Live) -> Manifest:
    """What to apply while a count set by hand is in force: that count stays."""
    if live.override is None:
        return manifest
    key = key_of(manifest)
    if key.kind not in {"Deployment", "HorizontalPodAutoscaler"}:
        return manifest
    try:
        there = await client.get(client.path_of(key.kind, key.namespace, key.name))
    except NotFound:
        return manifest
    return under_override(manifest, there)
