"""Amounts are read as written and shown as they would be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.model.units import (
    parse_bytes,
    parse_fraction,
    parse_millicores,
    parse_seconds,
    parse_time_limit,
    show_bytes,
    show_fraction,
    show_millicores,
    show_seconds,
)

NUMBERS = st.one_of(
    st.integers(0, 10**6).map(str), st.decimals(0, 999, places=3).map(lambda each: f"{each:f}")
)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("500ms", 0.5), ("30s", 30.0), ("1h30m", 5400.0), ("1.5m", 90.0), ("366d", 31622400.0)],
)
def test_durations_are_seconds(written: str, seconds: float) -> None:
    assert parse_seconds(written) == seconds


@pytest.mark.parametrize("parse", [parse_seconds, parse_time_limit, parse_bytes, parse_fraction])
@pytest.mark.parametrize(
    "written", [None, True, 5, 0.5, "", "5", "s", "-5s", "5 s", "30s\n", "٣s", "1e3s", "x", [], {}]
)
def test_an_amount_without_its_unit_is_refused(parse: object, written: object) -> None:
    with pytest.raises(ValueError, match="should be"):
        parse(written)  # type: ignore[operator]


@pytest.mark.parametrize("written", ["367d", "999999999999999d"])
def test_a_duration_longer_than_a_year_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="at most 366d"):
        parse_seconds(written)


@pytest.mark.parametrize("written", ["0s", "0.0m", "0h0s", "0.0001ms"])
def test_a_limit_of_no_time_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="longer than 0s"):
        parse_time_limit(written)


@pytest.mark.parametrize("written", ["250m", "0.25", 0.25])
def test_cores_may_be_written_in_three_ways(written: object) -> None:
    assert parse_millicores(written) == 250


@pytest.mark.parametrize("written", [0, "0m", True, "1e3", float("nan"), float("inf"), 10**9, "m"])
def test_cores_that_are_none_are_refused(written: object) -> None:
    with pytest.raises(ValueError, match="should be"):
        parse_millicores(written)


@given(NUMBERS, st.sampled_from(["ms", "s", "m", "h"]))
def test_durations_round_trip(number: str, unit: str) -> None:
    try:
        seconds = parse_seconds(number + unit)
    except ValueError:
        return
    assert parse_seconds(show_seconds(seconds)) == seconds


@given(NUMBERS, st.sampled_from(["k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"]))
def test_memory_round_trips(number: str, unit: str) -> None:
    try:
        count = parse_bytes(number + unit)
    except ValueError:
        return
    assert parse_bytes(show_bytes(count)) == count


@given(st.integers(1, 1_000_000))
def test_cores_round_trip(millicores: int) -> None:
    assert parse_millicores(show_millicores(millicores)) == millicores


@given(st.integers(0, 10**7))
def test_percentages_round_trip(share: int) -> None:
    fraction = parse_fraction(f"{share / 10**5:.5f}%")
    assert parse_fraction(show_fraction(fraction)) == fraction


@pytest.mark.parametrize(
    ("count", "shown"), [(2**28, "256Mi"), (5 * 10**8, "500M"), (1536 * 2**20, "1536Mi"), (7, "7")]
)
def test_memory_is_shown_in_its_shortest_exact_form(count: int, shown: str) -> None:
    assert show_bytes(count) == shown
