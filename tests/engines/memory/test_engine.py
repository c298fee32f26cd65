"""What the memory engine does beyond the conformance suite: its own time, faults and shell."""

import asyncio
from datetime import timedelta

import pytest

from skerry.engines.memory.engine import HEARTBEAT, MemoryEngine
from skerry.engines.memory.faults import Fault, fault_of
from skerry.engines.memory.shell import MemorySession
from skerry.errors import Conflict
from skerry.model.cell import LOCAL
from skerry.model.change import Action, Change
from skerry.model.keys import ServiceKey
from skerry.model.process import LogQuery, Stream
from skerry.model.world import Observation, Override
from tests.builders import ServiceBuilder, bundle, service
from tests.fakes.clock import FakeClock

WEB = ServiceKey("default", "web")


def change(builder: ServiceBuilder) -> Change:
    """All of a service, wanted."""
    return Change(
        service=builder.key, action=Action.CREATE, reason="new", apply=bundle(builder).objects
    )


def ready(observation: Observation) -> list[bool]:
    """Which pods are ready, in order."""
    return [each["status"]["conditions"][0]["status"] == "True" for each in observation.pods]


@pytest.fixture
def engine(clock: FakeClock) -> MemoryEngine:
    """Replicas start in five seconds and drain in three."""
    return MemoryEngine(LOCAL, clock, start_seconds=5, drain_seconds=3)


async def test_a_replica_is_ready_after_its_time_to_start(
    engine: MemoryEngine, clock: FakeClock
) -> None:
    await engine.apply(change(service("web")))
    assert ready(await engine.observe()) == [False]
    await clock.advance(5)
    assert ready(await engine.observe()) == [True]


async def test_a_watch_wakes_when_something_is_due_and_at_the_latest_for_its_heartbeat(
    engine: MemoryEngine, clock: FakeClock
) -> None:
    await engine.apply(change(service("web")))
    watch = engine.watch()
    assert ready(await anext(watch)) == [False]
    coming = asyncio.ensure_future(anext(watch))
    await clock.advance(5)
    assert ready(await coming) == [True]
    coming = asyncio.ensure_future(anext(watch))
    await clock.advance(HEARTBEAT - 1)
    assert not coming.done()
    await clock.advance(1)
    assert ready(await coming) == [True]
    await watch.aclose()


async def test_several_changes_are_one_observation(engine: MemoryEngine) -> None:
    watch = engine.watch()
    await anext(watch)
    for name in ("a", "b", "c"):
        await engine.apply(change(service(name)))
    assert len((await anext(watch)).pods) == 3
    await watch.aclose()


async def test_a_count_set_by_hand_expires_by_itself(
    engine: MemoryEngine, clock: FakeClock
) -> None:
    await engine.apply(change(service("web")))
    until = clock.now() + timedelta(minutes=30)
    await engine.scale(WEB, Override(replicas=3, by="ann", at=clock.now(), until=until))
    assert len((await engine.observe()).pods) == 3
    await clock.advance(1800)
    await engine.observe()
    await clock.advance(3)
    observation = await engine.observe()
    assert len(observation.pods) == 1
    assert not observation.overrides


async def test_another_owners_object_is_not_replaced(engine: MemoryEngine) -> None:
    wanted = change(service("web"))
    foreign = {"kind": "Service", "metadata": {"name": "web", "namespace": "default"}}
    engine.plant(foreign)
    with pytest.raises(Conflict, match="Service/default/web@local: is not Skerry's to touch"):
        await engine.apply(wanted)
    assert not (await engine.observe()).objects


async def test_what_an_image_that_exits_said_is_in_the_logs(engine: MemoryEngine) -> None:
    await engine.apply(change(service("web").image("fault/exits:1")))
    lines = [line.text async for line in engine.logs(WEB, LogQuery(tail=1))]
    assert lines == ["fatal: told to fail"]


async def test_following_logs_shows_lines_as_they_come(
    engine: MemoryEngine, clock: FakeClock
) -> None:
    await engine.apply(change(service("web")))
    logs = engine.logs(WEB, LogQuery(follow=True))
    first = await anext(logs)
    coming = asyncio.ensure_future(anext(logs))
    await asyncio.sleep(0)
    await engine.scale(WEB, Override(replicas=2, by="ann", at=clock.now()))
    second = await coming
    assert first.replica != second.replica
    await logs.aclose()


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        ("fault/exits:1", Fault.EXITS),
        ("registry.test:5000/fault/never-ready", Fault.NEVER_READY),
        ("fault/missing@sha256:abc", Fault.MISSING),
        ("acme/default/exits:1", None),
        ("web:1", None),
    ],
)
def test_faults_are_told_by_name(image: str, fault: Fault | None) -> None:
    assert fault_of(image) is fault


async def test_the_shell_knows_a_few_words_and_says_so_of_others() -> None:
    ended: list[str] = []
    session = MemorySession(
        ["sh", "-c", "echo $A b; nonsense"], {"A": "a"}, on_end=lambda: ended.append("once")
    )
    said = [(chunk.stream, chunk.data) async for chunk in session.output()]
    assert said == [(Stream.STDOUT, b"a b\n"), (Stream.STDERR, b"nonsense: not found\n")]
    assert await session.wait() == 127
    await session.close()
    assert ended == ["once"]
