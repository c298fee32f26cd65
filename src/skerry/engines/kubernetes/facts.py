"""Small documents kept in the cell: a roll-out under way, say."""

from collections.abc import Mapping
from typing import Any

import orjson

from skerry.engines.kubernetes.client.client import Client
from skerry.engines.kubernetes.kept import FACT, SYSTEM, kept_labels
from skerry.engines.kubernetes.namespaces import ensure_namespace
from skerry.errors import NotFound
from skerry.model.keys import ObjectKey
from skerry.model.objects import digest_of

_MANAGER = "skerry-facts"


async def remember(client: Client, name: str, fact: Mapping[str, Any] | None) -> None:
    """Keep it, or forget it (None)."""
    key = _key(name)
    if fact is None:
        await client.delete(key)
        return
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": key.name, "namespace": SYSTEM, "labels": kept_labels(FACT)},
        "data": {"name": name, "fact": orjson.dumps(fact).decode()},
    }
    try:
        await client.apply(manifest, manager=_MANAGER, force=True)
    except NotFound:
        await ensure_namespace(client, SYSTEM)
        await client.apply(manifest, manager=_MANAGER, force=True)


async def recall(client: Client, name: str) -> Mapping[str, Any] | None:
    """What was kept under this name."""
    try:
        kept = await client.get(client.path_of(*_key(name)))
    except NotFound:
        return None
    fact: Mapping[str, Any] = orjson.loads(kept["data"]["fact"])
    return fact


def _key(name: str) -> ObjectKey:
    return ObjectKey("ConfigMap", SYSTEM, f"{FACT}-{digest_of(name)[:16]}")
