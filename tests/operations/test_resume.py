"""A server that dies at any call: after the next start the state is the old or the new one."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from skerry.clock import SystemClock
from skerry.engines.memory.engine import MemoryEngine
from skerry.model.cell import LOCAL
from skerry.model.change import Verdict
from skerry.model.progress import Progress, Stage
from skerry.model.world import State
from skerry.operations.delete import delete
from skerry.operations.image import deploy_image
from skerry.operations.restart import restart
from skerry.operations.resume import resume
from skerry.operations.rollback import rollback
from skerry.operations.scale import scale
from tests.builders import service
from tests.fakes.store import MemoryStore
from tests.operations.mortal import Death, Fate, Mortal
from tests.operations.world import ADMIN, World, fleet_of, key, parts, until

WEB = service("web").image("web:1").replicas(2)
ENOUGH_CALLS = 200


@dataclass(frozen=True)
class Scenario:
    """What is there first, what is begun, and which images may run in the end (None: gone)."""

    name: str
    act: Callable[[World], Awaitable[object]]
    images: frozenset[str | None]
    first: Callable[[World], Awaitable[object]] | None = lambda here: here.apply(WEB)


async def _twice(here: World) -> None:
    await here.apply(WEB)
    await here.apply(WEB.image("web:2"))


SCENARIOS = (
    Scenario("first", lambda here: here.begin(WEB), frozenset({None, "web:1"}), None),
    Scenario(
        "first that fails",
        lambda here: here.begin(WEB.image("fault/exits:1")),
        frozenset({None}),
        None,
    ),
    Scenario("update", lambda here: here.begin(WEB.image("web:2")), frozenset({"web:1", "web:2"})),
    Scenario(
        "update that fails",
        lambda here: here.begin(WEB.image("fault/missing:1")),
        frozenset({"web:1"}),
    ),
    Scenario(
        "before",
        lambda here: here.begin(WEB.image("web:2").having(before=["echo", "hi"])),
        frozenset({"web:1", "web:2"}),
    ),
    Scenario(
        "image",
        lambda here: deploy_image(here.platform, key("web"), "web:2", by=ADMIN),
        frozenset({"web:1", "web:2"}),
    ),
    Scenario(
        "rollback",
        lambda here: rollback(here.platform, key("web"), by=ADMIN),
        frozenset({"web:1", "web:2"}),
        _twice,
    ),
    Scenario(
        "restart", lambda here: restart(here.platform, key("web"), by=ADMIN), frozenset({"web:1"})
    ),
    Scenario(
        "scale",
        lambda here: scale(here.platform, key("web"), replicas=3, by=ADMIN),
        frozenset({"web:1"}),
    ),
    Scenario(
        "delete",
        lambda here: delete(here.platform, key("web"), volumes=False, by=ADMIN),
        frozenset({None, "web:1"}),
    ),
)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
async def test_killed_at_any_call_the_next_server_finishes_or_undoes(
    scenario: Scenario, after: bool
) -> None:
    for at in range(1, ENOUGH_CALLS):
        engine, store = MemoryEngine(LOCAL, SystemClock()), MemoryStore()
        fate = Fate(at, after=after)
        if not await _lived(scenario, engine, store, fate):
            await _check_next_server(scenario, engine, store, at)
        else:
            assert at > 5
            return
    raise AssertionError("it never came to its end")


async def _lived(scenario: Scenario, engine: MemoryEngine, store: MemoryStore, fate: Fate) -> bool:
    """Whether the server came to the end of the scenario."""
    platform = parts(engine, store)
    if scenario.first is not None:
        await scenario.first(World(platform, engine))
    await platform.running.close()
    dying = parts(Mortal(engine, fate), Mortal(store, fate))
    here = World(dying, engine)
    try:
        await scenario.act(here)
        async with asyncio.timeout(20):
            await until(lambda: _over(store, fate))
    except Death:
        pass
    await dying.running.close()
    store._at_work.clear()  # locks are held by a process, and it is gone
    return not fate.dead


async def _over(store: MemoryStore, fate: Fate) -> bool:
    return fate.dead or not await store.operations(running=True)


async def _check_next_server(
    scenario: Scenario, engine: MemoryEngine, store: MemoryStore, at: int
) -> None:
    platform = parts(engine, store)
    here = World(platform, engine)
    for operation in await resume(fleet_of(platform)):
        await here.ended(operation)
    state = await here.state("web")
    image = None if state is None else state.image
    assert image in scenario.images, f"killed at call {at}"
    if state is not None:
        assert state.state is State.RUNNING, f"killed at call {at}: {state.reason}"
        assert state.ready == state.desired >= 2
        assert all(each.updated for each in state.replicas)
    assert not await store.operations(running=True)
    releases = await engine.releases(key("web"))
    assert all(each.verdict is not Verdict.DEPLOYING for each in releases), f"killed at {at}"
    assert not engine.jobs
    # The service is free again: another change goes through.
    if state is not None:
        await here.ended(await restart(platform, key("web"), by=ADMIN))
    await platform.running.close()


async def test_before_that_was_cut_off_is_not_run_a_second_time() -> None:
    engine, store = MemoryEngine(LOCAL, SystemClock()), MemoryStore()
    first = World(parts(engine, store), engine)
    await first.apply(WEB)
    begun = await first.begin(WEB.image("web:2").having(before=["sh", "-c", "sleep; sleep"]))
    async for each in first.platform.running.follow(begun.id):
        if isinstance(each, Progress) and each.stage is Stage.BEFORE:
            break
    await first.platform.running.close()
    store._at_work.clear()
    second = World(parts(engine, store), engine)
    await resume(fleet_of(second.platform))
    ended = await second.ended(begun)
    assert "the server ended while it ran" in ended.error
    state = await second.state("web")
    assert state is not None and state.image == "web:1"
    await second.platform.running.close()
