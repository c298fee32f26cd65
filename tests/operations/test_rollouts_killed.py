"""A carrier that dies at any call: whoever resumes the roll-out goes on where it was."""

import asyncio
from typing import Any

import pytest

from skerry.clock import SystemClock
from skerry.engines.memory.engine import MemoryEngine
from skerry.model.cell import LOCAL
from skerry.model.progress import OperationState
from skerry.model.rollout import RolloutState
from skerry.operations import rollouts
from skerry.operations.abort import abort
from skerry.operations.logbook import Logbook
from tests.fakes.store import MemoryStore
from tests.operations.mortal import Death, Fate, Mortal
from tests.operations.test_rollouts import NAMES, STACK, Fleet, Version, tenant
from tests.operations.world import ADMIN, World, parts

WAVES = (NAMES[:1], NAMES[1:3])


class Hasty(SystemClock):
    """Pauses are short: only the order of things is looked at."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(min(seconds, 0.01))


class Later(Hasty):
    """The time after a carrier that died was not heard from for long."""

    def now(self) -> Any:
        from datetime import timedelta

        return super().now() + timedelta(minutes=1)


async def _killed(at: int, *, after: bool, failing: frozenset[str]) -> tuple[MemoryEngine, bool]:
    """A cell in which the carrier of a roll-out died at its Nth call; whether it did."""
    engine = MemoryEngine(LOCAL, SystemClock())
    first = parts(engine, MemoryStore())
    here = World(first, engine)
    await here.apply(*map(tenant, NAMES))
    await first.running.close()
    fate = Fate(at, after=after)
    dying = parts(Mortal(engine, fate), MemoryStore(), clock=Hasty())
    stack = Fleet(World(dying, engine), failing)
    try:
        operation = await stack.begin(stack.rollout(*WAVES))
        async with asyncio.timeout(20):
            while not fate.dead:
                if (await dying.ledger.operation(operation.id)).state is not OperationState.RUNNING:
                    break
                await asyncio.sleep(0.001)
    except Death:
        pass
    await dying.running.close()
    engine._writers = type(engine._writers)(LOCAL.cell)  # leases are a process's, and it is gone
    return engine, fate.dead


async def _resume(engine: MemoryEngine, failing: frozenset[str]) -> Fleet:
    platform = parts(engine, MemoryStore(), clock=Later())
    stack = Fleet(World(platform, engine), failing)
    there = await Logbook(platform, STACK).find()
    if there is None:
        return stack

    async def work(operation: Any, voice: Any) -> None:
        await rollouts.take_up(platform, operation, voice)
        await rollouts.carry(
            platform,
            operation,
            voice,
            stack=STACK,
            gifts=lambda rollout: Version(platform, rollout, failing),
        )

    if there.state is not RolloutState.DONE:
        begun = await rollouts.begin_again(
            platform, STACK, "rollout", by=ADMIN, request={}, work=work
        )
        await stack.here.ended(begun)
    return stack


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_resumed_after_any_death_every_tenant_gets_there_once(after: bool) -> None:
    for at in range(1, 200):
        engine, died = await _killed(at, after=after, failing=frozenset())
        stack = await _resume(engine, frozenset())
        images = await stack.images()
        record = await Logbook(stack.here.platform, STACK).find()
        await stack.here.platform.running.close()
        if record is None:
            assert set(images.values()) == {"app:1"}, at
            continue
        assert record.state is RolloutState.DONE, (at, record.reason)
        assert {images[name] for wave in WAVES for name in wave} == {"app:2"}, at
        assert {images[name] for name in NAMES[3:]} == {"app:1"}, at
        for name in (each for wave in WAVES for each in wave):
            verdicts = await stack.here.verdicts(f"{STACK}-{name}/{name}")
            assert verdicts == [(2, "deployed"), (1, "deployed")], (at, name)
        if not died:
            assert at > 10
            return
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_resumed_after_any_death_a_tenant_that_fails_is_back_and_the_rest_untouched(
    after: bool,
) -> None:
    failing = frozenset({"t0"})
    for at in range(1, 200):
        engine, died = await _killed(at, after=after, failing=failing)
        stack = await _resume(engine, failing)
        images = await stack.images()
        record = await Logbook(stack.here.platform, STACK).find()
        await stack.here.platform.running.close()
        assert set(images.values()) == {"app:1"}, at
        if record is None:
            continue
        assert record.state is RolloutState.HALTED, (at, record)
        assert (await stack.here.verdicts("eu-t0/t0"))[0][1] == "failed", at
        if not died:
            return
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_aborted_after_any_death_nothing_is_left_on_its_way(after: bool) -> None:
    for at in range(1, 200):
        engine, died = await _killed(at, after=after, failing=frozenset())
        platform = parts(engine, MemoryStore(), clock=Later())
        stack = Fleet(World(platform, engine))
        record = await Logbook(platform, STACK).find()
        if record is not None and record.state is RolloutState.RUNNING:
            asked = await abort(platform, STACK, undo=True, by=ADMIN)
            assert (await stack.here.ended(asked)).state is OperationState.DONE, at
            assert set((await stack.images()).values()) == {"app:1"}, at
            for name in NAMES:
                verdicts = await stack.here.verdicts(f"{STACK}-{name}/{name}")
                assert "deploying" not in {each for _, each in verdicts}, (at, name)
        await platform.running.close()
        if not died:
            return
    raise AssertionError("it never came to its end")
