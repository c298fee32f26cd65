"""How wide the window is."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.engines.kubernetes.client.window import LEAST, MOST, START, Window


async def rounds(window: Window, count: int, seconds: float) -> None:
    """So many rounds of answers that each took so long, while others wait."""
    now = 0.0
    for _ in range(count):
        crowd = [asyncio.ensure_future(window.__aenter__()) for _ in range(int(window.limit) + 1)]
        await asyncio.sleep(0)
        for _ in range(int(window.limit)):
            now += seconds / window.limit
            window.answered(seconds, now=now)
        for one in crowd:
            one.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        for _ in range(window.under_way):
            await window.__aexit__(None, None, None)


async def test_it_opens_while_answers_take_no_longer() -> None:
    window = Window()
    await rounds(window, 3, 2.0)
    assert window.limit == START * 1.5**3
    await rounds(window, 20, 2.0)
    assert window.limit == MOST


async def test_it_stays_while_answers_queue_a_little() -> None:
    window = Window()
    await rounds(window, 1, 0.01)
    wide = window.limit
    await rounds(window, 5, 0.05)
    assert window.limit == wide


async def test_it_closes_when_answers_become_slow() -> None:
    window = Window()
    await rounds(window, 1, 0.01)
    await rounds(window, 30, 1.0)
    assert window.limit == LEAST


async def test_it_does_not_open_for_nobody() -> None:
    window = Window()
    for _ in range(100):
        async with window:
            window.answered(0.01, now=0.0)
    assert window.limit == START


async def test_too_much_counts_once_a_round_and_makes_it_careful() -> None:
    window = Window()
    for _ in range(10):
        window.throttled()
    assert window.limit == START * 0.7
    await rounds(window, 1, 0.01)
    careful = window.limit
    await rounds(window, 2, 0.01)
    assert window.limit == pytest.approx(careful + 2)


@given(st.lists(st.sampled_from(["enter", "leave", "cancel", "throttle"]), max_size=60))
def test_nobody_is_lost_and_never_too_many_are_in(steps: list[str]) -> None:
    asyncio.run(_play(steps))


async def _play(steps: list[str]) -> None:
    window = Window()
    window.limit = 3.0
    waiting: list[asyncio.Task[None]] = []
    inside = 0
    for step in steps:
        if step == "enter":
            waiting.append(asyncio.ensure_future(window.__aenter__()))
        elif step == "leave" and inside:
            await window.__aexit__(None, None, None)
            inside -= 1
        elif step == "cancel" and waiting:
            waiting.pop().cancel()
        elif step == "throttle":
            window.throttled()
        for _ in range(5):
            await asyncio.sleep(0)
        let_in = [one for one in waiting if one.done()]
        waiting = [one for one in waiting if not one.done()]
        inside += sum(not one.cancelled() for one in let_in)
        assert window.under_way == inside <= 3
        assert not waiting or inside >= int(window.limit)
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
