"""One writer of a service in every process, and what becomes of one that died."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from skerry.clock import SystemClock
from skerry.engines.kubernetes.index import WAVES, Index
from skerry.engines.kubernetes.kept import INDEX, KEPT, SYSTEM, service_hash
from skerry.engines.kubernetes.leases import DURATION_SECONDS, FORGOTTEN, Leases
from skerry.errors import Conflict, Refused
from skerry.model.change import Action, Change, Release, Verdict
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.stack import tenant_key
from tests.builders import bundle
from tests.conformance.world import applied, planned_cheaply
from tests.engines.kubernetes.harness import KubernetesWorld
from tests.fakes.clock import SteppedClock

pytestmark = pytest.mark.cluster
WEB = ServiceKey("default", "web")


@pytest.fixture
async def other(world: KubernetesWorld) -> AsyncIterator[KubernetesWorld]:
    """Another process in the same cell."""
    made = KubernetesWorld(world.cluster)
    yield made
    await made.close()


async def test_a_writer_in_another_process_is_named(
    world: KubernetesWorld, other: KubernetesWorld
) -> None:
    async with world.engine.writing([WEB], by="ann"):
        with pytest.raises(Conflict, match="service/default/web@eu-1: is being changed by ann"):
            async with other.engine.writing([WEB], by="eve"):
                raise AssertionError("two writers at once")


async def test_of_many_who_begin_at_once_one_writes(world: KubernetesWorld) -> None:
    acme = tenant_key("eu", "acme")
    inside = 0

    async def write(turn: int) -> bool:
        nonlocal inside
        engine = world.another()
        stack = "eu" if turn % 3 == 0 else None
        try:
            async with engine.writing([acme], by=f"writer {turn}", stack=stack):
                inside += 1
                assert inside == 1
                await asyncio.sleep(0.05)
                inside -= 1
        except Conflict:
            return False
        finally:
            await engine.close()
        return True

    for _ in range(4):
        await asyncio.gather(*(write(turn) for turn in range(6)))
    assert await write(1) and await write(3)


async def test_what_a_dead_writer_held_is_free_soon_after(
    world: KubernetesWorld, other: KubernetesWorld
) -> None:
    clock = SteppedClock()
    dead = Leases(world.client, clock, "eu-1")
    await dead.take(WEB, by="ann")
    with pytest.raises(Conflict, match="ann"):
        await Leases(other.client, clock, "eu-1").take(WEB, by="eve")
    clock.step(DURATION_SECONDS + 1)
    lease = await Leases(other.client, clock, "eu-1").take(WEB, by="eve")
    assert lease.by == "eve"


async def test_a_writer_whose_lease_went_to_another_writes_nothing_more(
    world: KubernetesWorld,
) -> None:
    key = ObjectKey("Lease", SYSTEM, f"w-{service_hash(WEB)}")
    clock = SteppedClock()
    leases = Leases(world.client, clock, "eu-1")
    lease = await leases.take(WEB, by="ann")
    await world.client.delete(key)
    clock.step(DURATION_SECONDS)
    with pytest.raises(Conflict, match="another writer"):
        await leases.check(lease)


async def test_a_change_that_was_cut_short_leaves_an_index_that_does_not_lie(
    world: KubernetesWorld, other: KubernetesWorld
) -> None:
    web = world.service("web")
    await applied(world, web)
    known = (await world.engine.index())[WEB]
    held = world.engine.writing([WEB], by="ann")
    await held.__aenter__()
    (change,) = (await planned_cheaply(world, web.image(world.image(2)))).changes
    await world.engine.apply(change)
    # The process dies here: what it would have written to the index at the end is not there.
    seen = (await other.engine.index())[WEB]
    assert seen not in {known, change.inputs}
    assert seen.rpartition("-")[2] == known.rpartition("-")[2]
    await held.__aexit__(None, None, None)
    assert (await other.engine.index())[WEB] == change.inputs


async def test_a_wave_leaves_no_mark_behind(world: KubernetesWorld) -> None:
    tenants = [tenant_key("eu", f"t{number}") for number in range(20)]
    async with world.engine.writing(tenants, by="ann", stack="eu"):
        assert await _marks(world)
    assert not await _marks(world)


async def test_an_apply_outside_a_block_is_in_the_index_at_once(
    world: KubernetesWorld, other: KubernetesWorld
) -> None:
    made = bundle(world.service("web"), cell=world.engine.cell)
    change = Change(
        service=WEB, action=Action.CREATE, reason="new", apply=made.objects, objects=made.objects
    )
    await world.engine.apply(change)
    assert dict(await other.engine.index()) == {WEB: made.inputs}


async def test_a_renewal_whose_answer_was_lost_loses_no_lease(world: KubernetesWorld) -> None:
    clock = SteppedClock()
    leases = Leases(world.client, clock, "eu-1")
    lease = await leases.take(WEB, by="ann")
    seen = lease.version
    await leases.renew(lease)
    lease.version = seen  # as if the cluster had never answered
    await leases.renew(lease)
    assert not lease.lost
    clock.step(DURATION_SECONDS)
    await leases.check(lease)


async def test_a_dead_writer_that_wakes_up_does_not_give_up_anothers_lease(
    world: KubernetesWorld, other: KubernetesWorld
) -> None:
    clock = SteppedClock()
    slept = Leases(world.client, clock, "eu-1")
    lost = await slept.take(WEB, by="ann")
    clock.step(DURATION_SECONDS + 1)
    late = Leases(other.client, clock, "eu-1")
    lease = await late.take(WEB, by="eve")
    await slept.give_up(lost)
    assert lost.lost
    await late.renew(lease)
    assert not lease.lost


async def test_who_is_turned_away_leaves_the_index_as_the_writer_wrote_it(
    world: KubernetesWorld, other: KubernetesWorld
) -> None:
    web = world.service("web")
    await applied(world, web)
    await other.engine.index()  # as it is before the change
    crowd = [WEB, *(ServiceKey("default", f"s{number}") for number in range(5))]
    async with world.engine.writing([WEB], by="ann"):
        (change,) = (await planned_cheaply(world, web.image(world.image(2)))).changes
        await world.engine.apply(change)
        with pytest.raises(Conflict, match="ann"):
            async with other.engine.writing(crowd, by="eve"):
                raise AssertionError("two writers at once")
    assert (await other.engine.index())[WEB] == change.inputs


async def test_a_block_that_changes_nothing_puts_back_what_is_true_now(
    world: KubernetesWorld, other: KubernetesWorld
) -> None:
    web = world.service("web")
    await applied(world, web)
    await other.engine.index()
    async with world.engine.writing([WEB], by="ann"):
        (change,) = (await planned_cheaply(world, web.image(world.image(2)))).changes
        await world.engine.apply(change)
    async with other.engine.writing([WEB], by="eve"):
        pass
    assert (await world.engine.index())[WEB] == change.inputs


async def test_verify_forgets_what_dead_writers_left_long_ago(world: KubernetesWorld) -> None:
    await applied(world, world.service("web"))
    clock = SteppedClock(SystemClock().now() - 2 * FORGOTTEN)
    dead = await Leases(world.client, clock, "eu-1").take_many([WEB], by="ann", stack=None)
    await Index(world.client).mark(dead.name, "ann")
    assert await _marks(world)
    assert not [each async for each in world.engine.verify()]
    assert not await _marks(world)
    assert not [each async for each in world.client.list("Lease", namespace=SYSTEM)]


async def _marks(world: KubernetesWorld) -> list[str]:
    shards = world.client.list("ConfigMap", namespace=SYSTEM, labels=f"{KEPT}={INDEX}")
    annotations = [each["metadata"].get("annotations") or {} async for each in shards]
    return [name for each in annotations for name in each if name.startswith(WAVES)]


async def test_what_is_left_half_written_is_looked_at_by_the_next_plan(
    world: KubernetesWorld, other: KubernetesWorld
) -> None:
    web = world.service("web")
    await applied(world, web)
    (change,) = (await planned_cheaply(world, web.file_at("/etc/web.conf", "a"))).changes
    for each in change.objects:
        if each["kind"] == "Deployment":
            each["spec"]["nonsense"] = True  # what stands around it is applied before it
    with pytest.raises(Refused):
        async with world.engine.writing([WEB], by="ann"):
            await world.engine.apply(change)
    assert (await other.engine.index())[WEB].startswith("changing")


async def test_a_service_that_is_only_judged_is_known_again(
    world: KubernetesWorld, other: KubernetesWorld
) -> None:
    (change,) = (await applied(world, world.service("web"))).changes
    release = Release(
        service=WEB,
        number=1,
        image="web:1",
        by="ann",
        at=SystemClock().now(),
        reason="new",
        inputs=change.inputs,
        objects=change.objects,
    )
    await world.engine.record(release)
    died = world.engine.writing([WEB], by="ann")
    await died.__aenter__()  # spoilt from here on, by a writer that does not come back
    await world.client.delete(ObjectKey("Lease", SYSTEM, f"w-{service_hash(WEB)}"))
    async with other.engine.writing([WEB], by="eve"):
        await other.engine.releases(WEB)
        await other.engine.record(replace(release, verdict=Verdict.DEPLOYED))
    assert (await other.engine.index())[WEB] == change.inputs
    await died.__aexit__(None, None, None)
