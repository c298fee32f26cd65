"""Watches: from a list on, over cuts and forgotten moments, without a busy loop."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import orjson
import pytest

from skerry.engines.kubernetes.client.client import Client
from skerry.engines.kubernetes.client.paging import Paging
from skerry.engines.kubernetes.client.resources import RESOURCES
from skerry.engines.kubernetes.client.watching import Watch, WatchEvent
from skerry.errors import EngineUnavailable, Forbidden, Refused
from skerry.model.keys import ObjectKey
from tests.cluster.proxy import FaultProxy, Faults
from tests.engines.kubernetes.client.manifests import config
from tests.fakes.clock import SteppedClock

Events = AsyncGenerator[WatchEvent, None]


async def next_event(events: Events) -> tuple[str, str]:
    """The next that is no bookmark: its type, and the names it is about."""
    async with asyncio.timeout(20):
        while True:
            event = await anext(events)
            if event.type != "BOOKMARK":
                found = event.items or ((event.object,) if event.object else ())
                return event.type, " ".join(item["metadata"]["name"] for item in found)


@pytest.fixture
async def events(proxied: Client, namespace: str) -> AsyncIterator[Events]:
    """A watch behind the fault proxy."""
    watched = proxied.watch("ConfigMap", namespace=namespace, labels="test=yes")
    yield watched
    await watched.aclose()


@pytest.mark.cluster
async def test_what_there_is_comes_first_then_what_changes(
    client: Client, events: Events, namespace: str
) -> None:
    await client.apply(config(namespace, "a"))
    assert await next_event(events) == ("SYNC", "a")
    await client.apply(config(namespace, "b"))
    assert await next_event(events) == ("ADDED", "b")
    await client.apply(config(namespace, "a", x="1"))
    assert await next_event(events) == ("MODIFIED", "a")
    await client.delete(ObjectKey("ConfigMap", namespace, "b"))
    assert await next_event(events) == ("DELETED", "b")


@pytest.mark.cluster
async def test_a_cut_watch_goes_on_where_it_was(
    client: Client, proxy: FaultProxy, events: Events, namespace: str
) -> None:
    assert await next_event(events) == ("SYNC", "")
    for number in range(5):
        waiting = asyncio.ensure_future(next_event(events))
        await asyncio.sleep(0.05)
        proxy.cut_all()
        await client.apply(config(namespace, f"s-{number}"))
        assert await waiting == ("ADDED", f"s-{number}")
    lists = [path for method, path in proxy.seen if path.endswith("/configmaps")]
    assert len(lists) <= 1 + 6  # one list; all the rest resumed


@pytest.mark.cluster
async def test_a_server_that_was_away_is_found_again(
    client: Client, proxy: FaultProxy, events: Events, namespace: str
) -> None:
    assert await next_event(events) == ("SYNC", "")
    waiting = asyncio.ensure_future(next_event(events))
    await asyncio.sleep(0.1)
    proxy.stop()
    await client.apply(config(namespace, "meanwhile"))
    await asyncio.sleep(1.0)
    proxy.start()
    assert await waiting == ("ADDED", "meanwhile")


@pytest.mark.cluster
async def test_a_forgotten_moment_is_listed_anew(
    client: Client, proxy: FaultProxy, events: Events, namespace: str
) -> None:
    assert await next_event(events) == ("SYNC", "")
    proxy.faults = Faults(only="configmaps", fail_one_in=99, fail_status=410)
    await client.apply(config(namespace, "a"))
    assert await next_event(events) == ("SYNC", "a")


@pytest.mark.cluster
async def test_a_watch_that_fails_at_once_is_not_opened_in_a_busy_loop(
    proxy: FaultProxy, events: Events
) -> None:
    assert await next_event(events) == ("SYNC", "")
    proxy.faults = Faults(only="configmaps", fail_one_in=1)
    before = len(proxy.seen)
    waiting = asyncio.ensure_future(next_event(events))
    await asyncio.sleep(2.0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert 2 <= len(proxy.seen) - before <= 12


@pytest.mark.cluster
async def test_what_may_not_be_watched_is_said_at_once(guest: Client) -> None:
    with pytest.raises(Forbidden):
        await anext(guest.watch("Secret"))


@pytest.mark.cluster
async def test_metadata_alone_and_cut_to_what_is_kept(client: Client, namespace: str) -> None:
    await client.apply(config(namespace, "a", x="1"))
    watched = client.watch("ConfigMap", namespace=namespace, metadata=True, shape=_name_only)
    event = await anext(watched)
    assert {item["name"] for item in event.items} >= {"a"}
    await client.apply(config(namespace, "b"))
    assert (await anext(watched)).object == {"name": "b"}
    await watched.aclose()


def _name_only(item: dict[str, Any]) -> dict[str, Any]:
    return {"name": item["metadata"]["name"]}


class Script:
    """Streams and lists that play what a test wrote."""

    def __init__(self, *watches: list[object] | Exception) -> None:
        self.watches = list(watches)
        self.lists = 0

    async def send(self, request: object) -> bytes:
        """An empty list."""
        self.lists += 1
        return orjson.dumps({"metadata": {"resourceVersion": str(self.lists * 100)}, "items": []})

    async def lines(
        self, path: str, query: str, *, silence: float, accept: str
    ) -> AsyncGenerator[bytes, None]:
        """The next watch."""
        played = self.watches.pop(0)
        if isinstance(played, Exception):
            raise played
        for said in played:
            yield orjson.dumps(said)


def watch(script: Any, clock: SteppedClock) -> Events:
    watched = Watch(Paging(script), script, clock, shape=None, metadata=False)
    return watched.events(RESOURCES["ConfigMap"], None, {})


async def test_an_error_within_a_watch_lists_anew() -> None:
    gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}
    script = Script([gone], [gone], [gone])
    events = watch(script, SteppedClock())
    assert [(await anext(events)).resource_version for _ in range(3)] == ["100", "200", "300"]


async def test_a_server_away_for_a_minute_is_told() -> None:
    clock = SteppedClock()
    away = EngineUnavailable("the API server does not answer")
    events = watch(Script([], *[away] * 100), clock)
    began = clock.monotonic()
    with pytest.raises(EngineUnavailable):
        async for _ in events:
            pass
    assert 60 <= clock.monotonic() - began < 70


async def test_a_server_away_from_the_start_is_told_at_once() -> None:
    class Away(Script):
        async def send(self, request: object) -> bytes:
            raise EngineUnavailable("the API server does not answer")

    with pytest.raises(EngineUnavailable):
        await anext(watch(Away(), SteppedClock()))


async def test_bookmarks_are_where_it_resumes() -> None:
    mark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "150"}}}
    refused = Refused("enough")
    events = watch(Script([mark], refused), SteppedClock())
    assert [(await anext(events)).type for _ in range(2)] == ["SYNC", "BOOKMARK"]
    with pytest.raises(Refused):
        await anext(events)
