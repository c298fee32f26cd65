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
    for replica in {line.replica for line in last}:
        before, after = (ticks(each, replica) for each in (lines, last))
        assert after == list(range(after[0], after[-1] + 1))
        assert after[-1] >= before[-1]


async def test_following_gives_each_line_once_also_within_a_second(bench: Bench) -> None:
    await bench.apply(bench.web(SAY_EVERY="0.02"))
    (replica,) = (await bench.running(WEB)).services[WEB].replicas
    heard: list[LogLine] = []

    async def follow() -> None:
        async for line in bench.engine.logs(WEB, LogQuery(follow=True, tail=5)):
            heard.append(line)

    following = asyncio.ensure_future(follow())
    await asyncio.sleep(3)
    following.cancel()
    numbers = ticks(heard, replica.name)
    assert len(numbers) > 50
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


def ticks(lines: list[LogLine], replica: str) -> list[int]:
    """The numbers a replica counted aloud."""
    said = (line.text for line in lines if line.replica == replica)
    return [int(text.removeprefix("tick ")) for text in said if text.startswith("tick ")]


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
