"""Counts set by hand and restarts, on a real control plane with its own controllers."""

from datetime import UTC, datetime, timedelta

import pytest

from skerry.engines.kubernetes.overrides import DOCUMENT, OVERRIDE, under_override
from skerry.engines.kubernetes.scaling import restart, scale
from skerry.errors import NotFound
from skerry.model.objects import Manifest, annotation
from skerry.model.world import Override, State
from tests.engines.kubernetes.bench import Bench

pytestmark = pytest.mark.cluster
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def by_hand(replicas: int, *, until: datetime | None = None) -> Override:
    return Override(replicas=replicas, by="ann", at=NOW, until=until)


async def test_a_count_set_by_hand_is_in_force_until_it_is_given_back(bench: Bench) -> None:
    await bench.apply(bench.service())
    await scale(bench.parts, bench.key(), by_hand(3))
    up = await bench.until(lambda state: state.state is State.RUNNING and state.ready == 3)
    assert up.override == by_hand(3)
    await scale(bench.parts, bench.key(), by_hand(0))
    assert (await bench.until(lambda state: state.state is State.STOPPED)).override == by_hand(0)
    await scale(bench.parts, bench.key(), None)
    down = await bench.until(lambda state: state.state is State.RUNNING)
    assert (down.ready, down.override) == (1, None)


async def test_an_autoscaler_does_not_fight_it_and_gets_its_bounds_back(bench: Bench) -> None:
    await bench.apply(bench.service().replicas(1, 4))
    await scale(bench.parts, bench.key(), by_hand(2))
    await bench.until(lambda state: state.state is State.RUNNING and state.ready == 2)
    assert await _bounds(bench) == (2, 2)
    await scale(bench.parts, bench.key(), by_hand(0))
    await bench.until(lambda state: state.state is State.STOPPED)
    await scale(bench.parts, bench.key(), None)
    state = await bench.until(lambda state: state.state is State.RUNNING and state.ready >= 1)
    assert state.override is None
    assert await _bounds(bench) == (1, 4)


async def test_an_apply_leaves_it_alone_and_brings_the_new_count_for_later(bench: Bench) -> None:
    await bench.apply(bench.service())
    await scale(bench.parts, bench.key(), by_hand(3))
    live = await _live(bench, "Deployment")
    wanted = next(
        each for each in bench.objects(bench.service().replicas(2)) if each["kind"] == "Deployment"
    )
    made = await bench.parts.client.apply(under_override(wanted, live), force=True)
    assert made["spec"]["replicas"] == 3
    await scale(bench.parts, bench.key(), None)
    after = await _live(bench, "Deployment")
    assert after["spec"]["replicas"] == 2
    assert annotation(after, OVERRIDE) is annotation(after, DOCUMENT) is None


async def test_whoever_looks_gives_back_a_count_whose_time_is_over(bench: Bench) -> None:
    await bench.apply(bench.service())
    over = datetime.now(UTC) + timedelta(seconds=0.5)
    await scale(bench.parts, bench.key(), by_hand(2, until=over))
    state = await bench.until(lambda state: state.override is None and state.desired == 1)
    assert state.desired == 1


async def test_a_restart_replaces_replicas_and_nothing_else(bench: Bench) -> None:
    await bench.apply(bench.service())
    before = await bench.running()
    digest = annotation(await _live(bench, "Deployment"), "skerry.dev/digest")
    await restart(bench.parts, bench.key())
    after = await bench.until(
        lambda state: (
            state.state is State.RUNNING
            and {each.name for each in state.replicas} != {each.name for each in before.replicas}
        )
    )
    assert after.image == before.image
    assert annotation(await _live(bench, "Deployment"), "skerry.dev/digest") == digest
    await bench.apply(bench.service())
    assert (await bench.state()).state is State.RUNNING, "an apply does not roll back over it"


async def test_what_is_not_there_is_refused(bench: Bench) -> None:
    with pytest.raises(NotFound):
        await scale(bench.parts, bench.key("nobody"), None)
    with pytest.raises(NotFound):
        await restart(bench.parts, bench.key("nobody"))


async def _live(bench: Bench, kind: str) -> Manifest:
    path = bench.parts.client.path_of(kind, bench.namespace, "web")
    return {**await bench.parts.client.get(path), "kind": kind}


async def _bounds(bench: Bench) -> tuple[int, int]:
    spec = (await _live(bench, "HorizontalPodAutoscaler"))["spec"]
    return spec["minReplicas"], spec["maxReplicas"]
