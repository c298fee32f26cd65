"""Lines of several replicas as one stream."""

import asyncio

import pytest

from skerry.model.keys import ServiceKey
from skerry.model.process import LogLine, LogQuery
from tests.engines.local.harness import Bench

pytestmark = pytest.mark.engine

WEB = ServiceKey("default", "web")


async def test_lines_are_merged_by_time_and_cut_at_the_tail(bench: Bench) -> None:
    await bench.apply(bench.web(SAY_EVERY="0.05").replicas(2))
    state = (await bench.running(WEB)).services[WEB]
    await asyncio.sleep(1)
    lines = [line async for line in bench.engine.logs(WEB, LogQuery(tail=None))]
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert {line.replica for line in lines} == {one.name for one in state.replicas}
    last = [line async for line in bench.engine.logs(WEB, LogQuery(tail=12))]
    assert len(last) == 12
    assert last[0].at > lines[-13].at


async def test_following_goes_on_with_replicas_that_come_later(bench: Bench) -> None:
    await bench.apply(bench.web(SAY="one"))
    await bench.running(WEB)
    heard: list[LogLine] = []

    async def follow() -> None:
        async for line in bench.engine.logs(WEB, LogQuery(follow=True)):
            heard.append(line)

    following = asyncio.ensure_future(follow())
    await asyncio.sleep(0.3)
    await bench.apply(bench.web(SAY="two"))
    await bench.running(WEB)
    for _ in range(100):
        if any(line.text == "two" for line in heard):
            break
        await asyncio.sleep(0.05)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert [line.text for line in heard if line.text in ("one", "two")] == ["one", "two"]
