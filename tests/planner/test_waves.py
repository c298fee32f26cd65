"""Waves: every tenant once, in an order that stays; and what stops a roll-out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.model.rollout import Rollout, RolloutState, read_rollout, write_rollout
from skerry.planner.waves import (
    Advance,
    Bake,
    Done,
    Halt,
    Seen,
    Sight,
    Wait,
    after,
    decide,
    in_order,
    read_steps,
    resumed,
    waves,
)
from tests.planner.worlds import NOW

TENANTS = st.sets(st.from_regex(r"[a-z][a-z0-9]{0,6}", fullmatch=True), min_size=1, max_size=60)
STEPS = st.sampled_from(["100%", "1%,10%,100%", "5,50,100%", "1,2,3,100%", "0.5%,20,50%,100%"])
UP, WAITING = Sight(seen=Seen.UP), Sight(seen=Seen.WAITING, reason="its image")


def rollout(*waves: tuple[str, ...], **parts: Any) -> Rollout:
    """A roll-out that has just begun."""
    fields: dict[str, Any] = {
        "id": "r1",
        "stack": "eu",
        "cell": "eu-1",
        "repository": "shop",
        "version": "2",
        "by": "ada",
        "at": NOW,
        "since": NOW,
        "attempts": (NOW,),
    }
    return Rollout(**fields | {"waves": waves or (("a",), ("b", "c"))} | parts)


def bad(reason: str = "crashed once") -> Sight:
    return Sight(seen=Seen.FAILED, reason=reason)


@given(TENANTS, STEPS)
def test_every_tenant_is_in_exactly_one_wave_and_no_wave_is_empty(
    tenants: set[str], steps: str
) -> None:
    found = waves(tenants, read_steps(steps), stack="eu")
    flat = [tenant for wave in found for tenant in wave]
    assert sorted(flat) == sorted(tenants)
    assert all(found)


@given(TENANTS, STEPS)
def test_the_same_tenants_give_the_same_waves(tenants: set[str], steps: str) -> None:
    read = read_steps(steps)
    assert waves(sorted(tenants), read, stack="eu") == waves(
        sorted(tenants, reverse=True), read, stack="eu"
    )


@given(TENANTS, TENANTS)
def test_tenants_that_come_move_no_other(tenants: set[str], more: set[str]) -> None:
    before = in_order(tenants, stack="eu")
    later = in_order(tenants | more, stack="eu")
    assert [each for each in later if each in tenants] == list(before)


@given(TENANTS, STEPS, st.data())
def test_those_named_first_are_all_in_the_first_wave(
    tenants: set[str], steps: str, data: st.DataObject
) -> None:
    first = data.draw(st.lists(st.sampled_from(sorted(tenants)), unique=True))
    found = waves(tenants, read_steps(steps), stack="eu", first=first)
    assert list(found[0][: len(first)]) == first
    assert sorted(each for wave in found for each in wave) == sorted(tenants)


def test_a_thousand_tenants_at_one_ten_and_a_hundred_percent() -> None:
    found = waves((f"t{n}" for n in range(1000)), read_steps("1%,10%,100%"), stack="eu")
    assert [len(each) for each in found] == [10, 90, 900]


def test_two_stacks_do_not_begin_with_the_same_tenants() -> None:
    tenants = [f"t{n}" for n in range(100)]
    assert in_order(tenants, stack="eu")[:10] != in_order(tenants, stack="us")[:10]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "should be a share"),
        ("10", "should end in 100%"),
        ("1%,10%", "should end in 100%"),
        ("10%,10%,100%", "should grow"),
        ("50,5,100%", "should grow"),
        ("0%,100%", "more than 0%"),
        ("101%", "at most 100%"),
        ("1.5,100%", "a share such as 10%, or a count"),
        ("some,100%", "a share such as 10%, or a count"),
    ],
)
def test_steps_that_mean_nothing_are_refused_with_what_was_expected(
    written: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        read_steps(written)


def test_a_wave_on_its_way_is_waited_for_by_name() -> None:
    here = rollout(("a", "b"))
    decided = decide(here, {"a": UP, "b": WAITING}, now=NOW)
    assert decided == Wait(
        reason="wave 1 of 1: 1 of 2 tenants up; waiting for b (its image)", since=NOW
    )


def test_a_failure_halts_once_the_rest_of_its_wave_is_known() -> None:
    here = rollout(("a", "b"), ("c",))
    assert isinstance(decide(here, {"a": bad(), "b": WAITING}, now=NOW), Wait)
    decided = decide(here, {"a": bad(), "b": UP}, now=NOW)
    assert decided == Halt(reason="wave 1 of 2: 1 tenant failed: a (crashed once)")


def test_failures_are_borne_up_to_the_number_allowed_over_all_waves() -> None:
    here = rollout(("a", "b"), ("c",), max_failures=1)
    assert isinstance(decide(here, {"a": bad(), "b": UP}, now=NOW), Advance)
    later = replace(here, wave=1, failed={"a": "crashed once"})
    assert isinstance(decide(later, {"c": bad()}, now=NOW), Halt)


def test_a_bake_ends_by_the_clock_and_goes_on_where_it_was_after_a_crash() -> None:
    here = rollout(bake_seconds=120.0)
    decided = decide(here, {"a": UP}, now=NOW)
    assert isinstance(decided, Bake)
    here = after(here, decided, now=NOW)
    assert resumed(here, now=NOW + timedelta(seconds=60)) == here
    assert decide(here, {"a": UP}, now=NOW + timedelta(seconds=119)) == Bake(
        until=NOW + timedelta(seconds=120), reason="wave 1 of 2: 1 up, watched for another 1s"
    )
    assert isinstance(decide(here, {"a": UP}, now=NOW + timedelta(seconds=120)), Advance)


def test_a_tenant_that_is_not_well_in_the_bake_halts() -> None:
    here = after(rollout(bake_seconds=60.0), Bake(until=NOW, reason=""), now=NOW)
    ill = Sight(seen=Seen.TROUBLED, reason="0 of 1 replica ready")
    decided = decide(here, {"a": ill}, now=NOW)
    assert decided == Halt(
        reason="wave 1 of 2: 1 tenant not well any more in the bake: a (0 of 1 replica ready)"
    )
    halted = after(here, decided, now=NOW)
    assert resumed(halted, now=NOW).present == ("b", "c"), "whoever resumes it has looked"


def test_the_last_wave_is_the_end() -> None:
    here = replace(rollout(), wave=1)
    decided = decide(here, {"b": UP, "c": UP}, now=NOW)
    assert decided == Done(reason="3 of 3 tenants done")
    ended = after(here, decided, now=NOW)
    assert (ended.state, ended.present, ended.finished) == (RolloutState.DONE, (), 3)


@given(TENANTS, STEPS, st.data())
def test_a_halt_leaves_later_waves_untouched_and_resuming_repeats_nothing(
    tenants: set[str], steps: str, data: st.DataObject
) -> None:
    failing = data.draw(st.sets(st.sampled_from(sorted(tenants))))
    limit = data.draw(st.integers(0, 3))
    here = rollout(*waves(tenants, read_steps(steps), stack="eu"), max_failures=limit)
    taken: list[str] = []
    up: set[str] = set()
    for _ in range(200):
        wanted = [each for each in here.present if each not in up]
        taken += wanted
        up |= set(wanted) - failing
        sights = {each: UP if each in up else bad() for each in here.present}
        failed = {**here.failed, **{each: "bad" for each in wanted if each in failing}}
        here = replace(here, failed=failed)
        here = after(here, decide(here, sights, now=NOW), now=NOW)
        reached = {each for wave in here.waves[: here.wave + 1] for each in wave}
        assert set(taken) <= reached
        if here.state is RolloutState.HALTED:
            assert len(here.failed) > limit
            here = resumed(here, now=NOW)
            failing = set()  # whoever resumes it has repaired them
        if here.state is RolloutState.DONE:
            break
    assert here.state is RolloutState.DONE
    assert set(taken) == tenants


@given(TENANTS, STEPS)
def test_a_rollout_is_read_as_it_was_written(tenants: set[str], steps: str) -> None:
    here = rollout(
        *waves(tenants, read_steps(steps), stack="eu"),
        baking=NOW,
        failed={"a": "crashed"},
        skipped={"b": "pinned"},
    )
    assert read_rollout(write_rollout(here)) == here
