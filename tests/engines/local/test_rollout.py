"""The rollout keeps its promises whatever the replicas do."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.engines.local.rollout import Create, Retire, Seen, Target, next_steps, surge_of


@st.composite
def replicas(draw: st.DrawFn) -> list[Seen]:
    """Any mixture of replicas."""
    count = draw(st.integers(0, 12))
    return [
        Seen(
            name=f"r{number}",
            current=draw(st.booleans()),
            ready=draw(st.booleans()),
            born=float(draw(st.integers(0, 5))),
            retiring=draw(st.integers(0, 4)) == 0,
        )
        for number in range(count)
    ]


targets = st.builds(
    lambda count, recreate: Target(replicas=count, surge=surge_of(count), recreate=recreate),
    st.integers(0, 8),
    st.booleans(),
)
rolling = targets.map(lambda target: replace(target, recreate=False))


def serving(seen: list[Seen]) -> int:
    return sum(one.ready and not one.retiring for one in seen)


def after(seen: list[Seen], target: Target, *, start_ready: bool, born: float) -> list[Seen]:
    """The replicas once the next steps are taken; what retires is gone."""
    steps = next_steps(target, seen)
    going = {step.name for step in steps if isinstance(step, Retire)}
    stay = [one for one in seen if one.name not in going and not one.retiring]
    created = [
        Seen(name=f"n{born}-{index}", current=True, ready=start_ready, born=born)
        for index, step in enumerate(steps)
        if isinstance(step, Create)
    ]
    return stay + created


@given(rolling, replicas())
def test_never_fewer_ready_than_were_ready_or_are_wanted(target: Target, seen: list[Seen]) -> None:
    left = serving(after(seen, target, start_ready=False, born=9))
    assert left >= min(serving(seen), target.replicas)


@given(targets, replicas())
def test_what_retires_is_retired_once_and_was_staying(target: Target, seen: list[Seen]) -> None:
    staying = {one.name for one in seen if not one.retiring}
    names = [step.name for step in next_steps(target, seen) if isinstance(step, Retire)]
    assert len(names) == len(set(names))
    assert set(names) <= staying


@given(rolling, replicas())
def test_never_more_are_created_than_the_surge_allows(target: Target, seen: list[Seen]) -> None:
    created = [step for step in next_steps(target, seen) if isinstance(step, Create)]
    after_steps = after(seen, target, start_ready=False, born=9)
    assert not created or len(after_steps) <= target.replicas + target.surge


@given(replicas(), st.integers(0, 1))
def test_one_writer_never_starts_beside_another(seen: list[Seen], count: int) -> None:
    steps = next_steps(Target(replicas=count, recreate=True), seen)
    created = [step for step in steps if isinstance(step, Create)]
    others = [one for one in seen if not (one.current and not one.retiring)]
    assert not (created and others)
    assert not (created and any(isinstance(step, Retire) for step in steps))


@settings(max_examples=200)
@given(targets, replicas())
def test_it_converges_when_new_replicas_become_ready(target: Target, seen: list[Seen]) -> None:
    for turn in range(60):
        seen = after(seen, target, start_ready=True, born=10 + turn)
        seen = [replace(one, ready=True) for one in seen]
        if not next_steps(target, seen):
            break
    assert [one.current for one in seen] == [True] * target.replicas


@given(rolling, replicas())
def test_a_new_release_that_never_gets_ready_leaves_the_old_one_serving(
    target: Target, seen: list[Seen]
) -> None:
    before = min(serving(seen), target.replicas)
    for turn in range(10):
        seen = after(seen, target, start_ready=False, born=10 + turn)
    assert serving(seen) >= before


@given(targets, replicas())
def test_every_step_has_a_reason(target: Target, seen: list[Seen]) -> None:
    assert all(step.reason for step in next_steps(target, seen))


def test_scaling_down_takes_the_unready_before_the_newest() -> None:
    seen = [
        Seen(name="old", current=True, ready=True, born=1),
        Seen(name="sick", current=True, ready=False, born=2),
        Seen(name="new", current=True, ready=True, born=3),
    ]
    first, second = next_steps(Target(replicas=1), seen)
    assert isinstance(first, Retire) and isinstance(second, Retire)
    assert (first.name, second.name) == ("sick", "new")


def test_going_back_retires_the_failed_release_at_once() -> None:
    seen = [
        Seen(name="good", current=True, ready=True, born=1),
        Seen(name="bad", current=False, ready=False, born=2),
    ]
    assert [step.name for step in next_steps(Target(replicas=1), seen) if isinstance(step, Retire)]
    assert not [step for step in next_steps(Target(replicas=1), seen) if isinstance(step, Create)]
