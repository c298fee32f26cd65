"""Back-off and cooldown."""

from hypothesis import given
from hypothesis import strategies as st

from skerry.engines.local.crashes import (
    LONGEST_SECONDS,
    Crashes,
    crashed,
    crashes_from_fact,
    crashes_to_fact,
)


def test_waits_double_while_crashes_are_far_apart() -> None:
    crashes, waits = Crashes(), []
    for number in range(8):
        crashes, pause = crashed(crashes, at=number * 100.0, ran_seconds=20)
        waits.append(pause.seconds)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_three_crashes_in_half_a_minute_cool_down_and_say_so() -> None:
    crashes, _ = crashed(Crashes(), at=0.0, ran_seconds=0)
    crashes, _ = crashed(crashes, at=2.0, ran_seconds=0)
    crashes, pause = crashed(crashes, at=5.0, ran_seconds=0)
    assert pause.cooldown
    assert pause.seconds == LONGEST_SECONDS
    assert "crashed 3 times in 30 s" in pause.reason


def test_a_container_that_ran_long_starts_over() -> None:
    crashes = Crashes()
    for number in range(5):
        crashes, _ = crashed(crashes, at=number * 100.0, ran_seconds=20)
    crashes, pause = crashed(crashes, at=1000.0, ran_seconds=600)
    assert pause.seconds == 1
    assert crashes.total == 6


def test_a_clock_that_jumped_back_forgets_crashes_of_the_future() -> None:
    crashes = Crashes(total=2, streak=2, recent=(5000.0, 5001.0))
    _, pause = crashed(crashes, at=100.0, ran_seconds=0)
    assert not pause.cooldown


@given(st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e6)), max_size=20))
def test_no_wait_is_longer_than_a_minute(ends: list[tuple[float, float]]) -> None:
    crashes = Crashes()
    for at, ran in ends:
        crashes, pause = crashed(crashes, at=at, ran_seconds=ran)
        assert 1 <= pause.seconds <= LONGEST_SECONDS
        assert crashes_from_fact(crashes_to_fact(crashes)) == crashes
