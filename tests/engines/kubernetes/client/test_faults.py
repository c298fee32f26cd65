"""A server that throttles, is slow, fails, hangs up and goes away."""

import asyncio
import time

import pytest

from skerry.engines.kubernetes.client.client import Client
from skerry.errors import Conflict, EngineUnavailable
from tests.cluster.proxy import FaultProxy, Faults
from tests.engines.kubernetes.client.manifests import config

pytestmark = pytest.mark.cluster


async def _apply(client: Client, namespace: str, count: int) -> None:
    manifests = [config(namespace, f"settings-{number}", a="1") for number in range(count)]
    await asyncio.gather(*map(client.apply, manifests))


async def _count(client: Client, namespace: str) -> int:
    return len(
        [item async for item in client.list("ConfigMap", namespace=namespace, labels="test")]
    )


async def test_one_answer_in_three_throttled_delays_and_loses_nothing(
    proxy: FaultProxy, proxied: Client, namespace: str
) -> None:
    await proxied.version()
    proxy.faults = Faults(throttle_one_in=3, retry_after=0.1)
    await _apply(proxied, namespace, 40)
    proxy.faults = Faults()
    assert await _count(proxied, namespace) == 40
    assert proxied.requests > 55


async def test_a_throttled_request_waits_as_long_as_the_server_asks(
    proxy: FaultProxy, proxied: Client
) -> None:
    await proxied.version()
    proxy.faults = Faults(throttle_one_in=2, retry_after=0.7)
    began = time.monotonic()
    await proxied.get("/api/v1/namespaces/default")
    assert 0.7 <= time.monotonic() - began < 1.5


async def test_one_fault_in_ten_is_tried_again(
    proxy: FaultProxy, proxied: Client, namespace: str
) -> None:
    proxy.faults = Faults(fail_one_in=10)
    await _apply(proxied, namespace, 60)
    proxy.faults = Faults()
    assert await _count(proxied, namespace) == 60


@pytest.mark.parametrize(
    "faults",
    [Faults(cut_one_in=99, methods=("POST",)), Faults(fail_one_in=99, methods=("POST",))],
    ids=["the answer is lost", "the server fails"],
)
async def test_a_create_is_sent_again_and_makes_one_object(
    proxy: FaultProxy, proxied: Client, namespace: str, faults: Faults
) -> None:
    await proxied.version()
    proxy.faults = faults
    made = await proxied.create(config(namespace, a="1"))
    assert made["data"] == {"a": "1"}
    assert [method for method, _ in proxy.seen].count("POST") == 2


async def test_an_object_of_somebody_elses_is_never_taken_for_a_lost_answer(
    proxy: FaultProxy, proxied: Client, namespace: str
) -> None:
    await proxied.create(config(namespace, a="theirs"))
    proxy.faults = Faults(cut_one_in=99, methods=("POST",))
    with pytest.raises(Conflict, match="already exists"):
        await proxied.create(config(namespace, a="ours"))


async def test_a_create_whose_name_the_server_chooses_is_sent_once(
    proxy: FaultProxy, proxied: Client, namespace: str
) -> None:
    await proxied.version()
    proxy.faults = Faults(cut_one_in=99, methods=("POST",))
    unnamed = config(namespace, a="1")
    metadata = {**unnamed["metadata"], "name": "", "generateName": "settings-"}
    with pytest.raises(EngineUnavailable):
        await proxied.create({**unnamed, "metadata": metadata})
    assert await _count(proxied, namespace) == 1


async def test_a_cut_connection_is_no_reason_to_lose_an_apply(
    proxy: FaultProxy, proxied: Client, namespace: str
) -> None:
    proxy.faults = Faults(cut_one_in=7)
    await _apply(proxied, namespace, 40)
    proxy.faults = Faults()
    assert await _count(proxied, namespace) == 40


async def test_a_server_that_is_away_for_a_moment_is_waited_for(
    proxy: FaultProxy, proxied: Client, namespace: str
) -> None:
    await proxied.version()
    proxy.stop()
    applying = asyncio.ensure_future(_apply(proxied, namespace, 20))
    await asyncio.sleep(1.5)
    proxy.start()
    await applying
    assert await _count(proxied, namespace) == 20


async def test_a_server_that_never_answered_is_given_up_soon_by_all(
    proxy: FaultProxy, proxied: Client
) -> None:
    proxy.stop()
    began = time.monotonic()
    asked = [proxied.get("/version") for _ in range(50)]
    said = await asyncio.gather(*asked, return_exceptions=True)
    assert time.monotonic() - began < 4
    assert {type(each) for each in said} == {EngineUnavailable}
    error = said[0]
    assert isinstance(error, EngineUnavailable)
    assert error.subject == "cell/test"
    assert error.cause == f"the API server at {proxy.url} does not answer: Connection refused"
    assert error.hint.startswith("kubectl --context proxied-")


async def test_a_slow_server_gets_more_at_once_not_less(
    proxy: FaultProxy, proxied: Client, namespace: str
) -> None:
    """Slow because far away is not slow because overloaded."""
    proxy.faults = Faults(slow=0.4)
    began = time.monotonic()
    await _apply(proxied, namespace, 200)
    assert proxy.most_at_once > 16
    assert time.monotonic() - began < 200 / 16 * 0.4


async def test_a_full_database_is_said_in_words_and_not_tried_again(
    proxy: FaultProxy, proxied: Client, namespace: str
) -> None:
    full = "etcdserver: mvcc: database space exceeded"
    proxy.faults = Faults(fail_one_in=1, fail_message=full, methods=("PATCH",))
    before = proxied.requests
    with pytest.raises(EngineUnavailable, match=r"etcd\) is full"):
        await proxied.apply(config(namespace, a="1"))
    assert proxied.requests == before + 1
