"""What holds of every roll, whatever is asked for and whenever somebody looks."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from skerry.engines.memory.replicas import Pace, Replicas
from skerry.model.keys import ServiceKey
from skerry.model.objects import Manifest
from tests.builders import bundle, service

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PACE = Pace(start=timedelta(seconds=5), drain=timedelta(seconds=3))


def deployment(version: int, *, volume: bool = False) -> Manifest:
    """The service `web` at a version."""
    builder = service("web").image(f"registry.test/web:{version}")
    builder = builder.volume("data", "/data") if volume else builder
    return next(each for each in bundle(builder).objects if each["kind"] == "Deployment")


def replicas() -> Replicas:
    """None yet."""
    return Replicas(service=ServiceKey("default", "web"), pace=PACE)


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9)), min_size=1, max_size=8),
)
def test_a_roll_never_has_fewer_ready_than_wanted(
    desired: int, deploys: list[tuple[int, int]]
) -> None:
    web, now = replicas(), NOON
    web.advance(deployment(0), desired=desired, now=now)
    now += timedelta(seconds=5)
    for version, seconds in [*deploys, (9, 200)]:
        wanted = deployment(version)
        for _ in range(seconds + 1):
            web.advance(wanted, desired=desired, now=now)
            ready = sum(each.ready(now) for each in web.here)
            staying = sum(not each.draining for each in web.here)
            assert ready >= desired
            assert staying <= desired + 1
            now += timedelta(seconds=1)
    images = {each.template["spec"]["containers"][0]["image"] for each in web.here}
    assert images == {"registry.test/web:9"}
    assert len(web.here) == desired


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9)), min_size=1, max_size=8))
def test_a_volume_never_has_two_writers(deploys: list[tuple[int, int]]) -> None:
    web, now = replicas(), NOON
    for version, seconds in deploys:
        for _ in range(seconds + 1):
            web.advance(deployment(version, volume=True), desired=1, now=now)
            assert len(web.here) <= 1
            now += timedelta(seconds=1)
