"""The verbs, against a real API server."""

import pytest

from skerry.engines.kubernetes.client.client import Client
from skerry.errors import Conflict, NotFound
from skerry.model.keys import ObjectKey
from tests.engines.kubernetes.client.manifests import config

pytestmark = pytest.mark.cluster


async def test_what_is_applied_can_be_read_listed_and_deleted(
    client: Client, namespace: str
) -> None:
    await client.apply(config(namespace, a="1"))
    read = await client.get(client.path_of("ConfigMap", namespace, "settings"))
    assert read["data"] == {"a": "1"}
    listed = [item async for item in client.list("ConfigMap", labels="test=yes", metadata=True)]
    mine = [item for item in listed if item["metadata"]["namespace"] == namespace]
    assert [(item["kind"], item["metadata"]["name"], "data" in item) for item in mine] == [
        ("ConfigMap", "settings", False)
    ]
    key = ObjectKey("ConfigMap", namespace, "settings")
    assert await client.delete(key, uid=read["metadata"]["uid"]) is True
    assert await client.delete(key) is False


async def test_a_dry_run_writes_nothing(client: Client, namespace: str) -> None:
    assert (await client.apply(config(namespace, a="1"), dry_run=True))["data"] == {"a": "1"}
    with pytest.raises(NotFound):
        await client.get(client.path_of("ConfigMap", namespace, "settings"))


async def test_a_field_of_another_manager_is_a_conflict_that_names_both(
    client: Client, namespace: str
) -> None:
    await client.apply(config(namespace, a="theirs"), manager="helm")
    with pytest.raises(Conflict) as caught:
        await client.apply(config(namespace, a="ours"))
    assert caught.value.cause == ".data.a belongs to helm"
    assert caught.value.subject == f"ConfigMap/{namespace}/settings@test"
    forced = await client.apply(config(namespace, a="ours"), force=True)
    assert forced["data"] == {"a": "ours"}
