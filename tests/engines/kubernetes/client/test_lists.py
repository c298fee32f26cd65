"""Lists: page by page, whole, and gone on with when their moment is forgotten."""

import asyncio
from typing import Any

import orjson
import pytest

from skerry.engines.kubernetes.client.client import Client
from skerry.engines.kubernetes.client.failures import ApiError
from skerry.engines.kubernetes.client.paging import Page, Paging
from skerry.engines.kubernetes.client.resources import RESOURCES
from skerry.engines.kubernetes.client.transport import Request
from skerry.errors import NotFound
from tests.engines.kubernetes.client.manifests import config

CONFIG_MAPS = RESOURCES["ConfigMap"]


class Shelf:
    """A server with the ConfigMaps a/0 to a/N that forgets what tokens lead to as told."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.forget: set[str] = set()
        self.offers = ""
        self.asked: list[str] = []

    async def send(self, request: Request) -> bytes:
        """A page, or 410."""
        parts = dict(part.split("=") for part in request.query.split("&"))
        token, limit = parts.get("continue", ""), int(parts["limit"])
        self.asked.append(token)
        if token in self.forget:
            self.forget.clear()
            raise ApiError(410, {"reason": "Expired", "metadata": {"continue": self.offers}})
        start = int(token or 0)
        items = [{"metadata": {"namespace": "a", "name": name}} for name in self.names]
        after = str(start + limit) if start + limit < len(items) else ""
        page = items[start : start + limit]
        return orjson.dumps(
            {"metadata": {"resourceVersion": "7", "continue": after}, "items": page}
        )


async def pages(shelf: Any) -> list[Page]:
    """All pages of two."""
    listed = Paging(shelf).pages(CONFIG_MAPS, None, {"limit": "2"}, metadata=False)
    return [page async for page in listed]


def names(found: list[Page]) -> list[str]:
    """What is on them."""
    return [item["metadata"]["name"] for page in found for item in page.items]


async def test_pages_follow_each_other() -> None:
    found = await pages(Shelf(list("bcdef")))
    assert [len(page.items) for page in found] == [2, 2, 1]
    assert names(found) == list("bcdef")
    assert found[0].items[0]["kind"] == "ConfigMap"


async def test_a_forgotten_moment_goes_on_with_the_servers_own_token() -> None:
    shelf = Shelf(list("bcdef"))
    shelf.forget, shelf.offers = {"2"}, "3"
    assert names(await pages(shelf)) == list("bcef")
    assert shelf.asked == ["", "2", "3"]


async def test_a_forgotten_moment_without_a_token_begins_anew_and_gives_nothing_twice() -> None:
    shelf = Shelf(list("bcdef"))
    shelf.forget = {"4"}
    assert names(await pages(shelf)) == list("bcdef")
    assert shelf.asked == ["", "2", "4", "", "2", "4"]


@pytest.mark.cluster
async def test_a_list_is_read_in_pages_by_labels(client: Client, namespace: str) -> None:
    manifests = [config(namespace, f"settings-{number:02}", a="1") for number in range(25)]
    await asyncio.gather(*map(client.apply, manifests))
    before = client.requests
    listed = client.list("ConfigMap", namespace=namespace, labels="test=yes", page=10)
    assert [item["metadata"]["name"] async for item in listed] == [
        manifest["metadata"]["name"] for manifest in manifests
    ]
    assert client.requests == before + 3
    some = client.list("ConfigMap", namespace=namespace, fields="metadata.name=settings-07")
    assert [item["metadata"]["name"] async for item in some] == ["settings-07"]


@pytest.mark.cluster
async def test_a_list_may_be_left_early(client: Client, namespace: str) -> None:
    await asyncio.gather(*(client.apply(config(namespace, f"s-{n}")) for n in range(5)))
    before = client.requests
    async for _ in client.list("ConfigMap", namespace=namespace, page=1):
        break
    assert client.requests == before + 1


@pytest.mark.cluster
async def test_a_kind_the_table_lacks_is_discovered(client: Client) -> None:
    assert [item["kind"] async for item in client.list("APIService")][:1] == ["APIService"]
    resource = await client.resource_of("HorizontalPodAutoscaler", "autoscaling/v1")
    assert resource.path("a", "b") == "/apis/autoscaling/v1/namespaces/a/horizontalpodautoscalers/b"
    with pytest.raises(NotFound, match="does not know such objects") as caught:
        await client.resource_of("Sausage", "butcher.dev/v1")
    assert caught.value.subject == "Sausage butcher.dev/v1"


@pytest.mark.cluster
async def test_every_kind_of_the_table_is_where_it_says(client: Client) -> None:
    absent = {"Gateway", "GatewayClass", "HTTPRoute"}
    for kind, resource in RESOURCES.items():
        if kind not in absent:
            listed = await client.get(resource.path(None), query={"limit": "1"}, metadata=False)
            assert listed["kind"] == f"{kind}List"
            served = await client.get(resource.root)
            entry = next(one for one in served["resources"] if one["name"] == resource.plural)
            assert entry["namespaced"] is resource.namespaced
