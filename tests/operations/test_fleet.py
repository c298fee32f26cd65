"""Many cells: which are meant, each for itself, and taken up again where they were."""

import asyncio
from typing import Any

import pytest

from skerry.clock import SystemClock
from skerry.errors import Conflict, NotFound, Refused
from skerry.model.cell import Cell, EngineKind
from skerry.model.change import Verdict
from skerry.model.repository import Repository
from skerry.operations import everywhere
from skerry.operations.deploy import Request, begin, plan
from skerry.operations.resume import resume
from skerry.operations.settling import judge_left
from tests.builders import service
from tests.fakes.store import MemoryStore
from tests.operations.fleets import Dead, Slow, cluster, fleet_world
from tests.operations.world import ADMIN, key, sources

WEB = service("web").image("web:1").replicas(1)


def request(*services: Any, **more: Any) -> Request:
    return Request(sources=sources(*(services or (WEB,))), by=ADMIN, **more)


def declaring(*names: str) -> Repository:
    cells = tuple(Cell(cell=name, engine=EngineKind.KUBERNETES) for name in names)
    return Repository(name="shop", cells=cells)


async def test_the_cells_meant_are_those_declared_else_all_that_are_known() -> None:
    async with fleet_world(cluster("eu-1"), cluster("us-1")) as here:
        fleet = here.fleet
        assert [each.name for each in fleet.meant(declaring(), by=ADMIN)] == ["eu-1", "us-1"]
        assert [each.name for each in fleet.meant(declaring("us-1", "ap-1"), by=ADMIN)] == [
            "us-1",
            "ap-1",
        ]
        assert [
            each.name for each in fleet.meant(declaring("us-1", "ap-1"), ["ap-1"], by=ADMIN)
        ] == ["ap-1"]
        with pytest.raises(NotFound, match="not declared in repository/shop"):
            fleet.meant(declaring("us-1"), ["eu-1"], by=ADMIN)
        with pytest.raises(NotFound, match="known are: eu-1, us-1"):
            fleet.platform("nowhere")
        with pytest.raises(Refused, match="there are 2 cells: eu-1, us-1"):
            fleet.only()
        assert fleet.only(["us-1"]).name == "us-1"
        assert fleet.platform("us-1") is fleet.platform("us-1")


async def test_the_same_service_is_changed_in_two_cells_at_once_but_not_twice_in_one() -> None:
    async with fleet_world(cluster("eu-1", start=1.0), cluster("us-1", start=1.0)) as here:
        begun = await everywhere.apply(here.fleet, request())
        assert len(begun.good) == 2
        again = await everywhere.apply(here.fleet, request(WEB.image("web:2")))
        assert [type(error) for _, error in again.failed] == [Conflict, Conflict]


async def test_bad_cells_take_no_time_from_the_good() -> None:
    good = [cluster(f"eu-{at}") for at in range(6)]

    async def seconds(*cells: Any) -> float:
        async with fleet_world(*cells) as here:
            clock = SystemClock()
            start = clock.monotonic()
            asked = asyncio.ensure_future(everywhere.apply(here.fleet, request()))
            ends = 0
            while ends < len(good):
                await asyncio.sleep(0.005)
                known = await here.fleet.ledger.operations()
                ends = sum(each.ended is not None for each in known)
            took = clock.monotonic() - start
            await asked
            return took

    alone = await seconds(*good)
    others = [cluster(f"eu-{at}") for at in range(6)]
    with_bad = await seconds(*others, Dead("dead-1"), Slow("slow-1", seconds=2))
    assert with_bad < alone + 0.5  # and not the two seconds of the slow one


async def test_documents_are_loaded_once_for_all_cells() -> None:
    async with fleet_world(cluster("eu-1"), cluster("us-1")) as here:
        loads: list[str] = []
        load = here.fleet.load

        def counting(given: Any) -> Repository:
            loads.append(given.name)
            return load(given)

        here.fleet.load = counting
        await everywhere.plan(here.fleet, request())
        assert len(loads) == 1


async def test_what_was_left_is_taken_up_in_its_own_cell() -> None:
    eu, us, ledger = cluster("eu-1", start=0.3), cluster("us-1", start=0.3), MemoryStore()
    async with fleet_world(eu, us, ledger=ledger) as here:
        await everywhere.apply(here.fleet, request(), cells=["us-1"])
        await asyncio.sleep(0.1)
    async with fleet_world(eu, us, ledger=ledger) as again:
        (left,) = await resume(again.fleet)
        assert left.cell == "us-1"
        ended = await again.fleet.running.wait(left.id)
        assert ended.state.value == "done"
        assert await eu.engine.index() == {}
        assert key("web") in await us.engine.index()


async def test_an_operation_of_a_cell_nobody_knows_any_more_ends() -> None:
    us, ledger = cluster("us-1", start=5.0), MemoryStore()
    async with fleet_world(us, ledger=ledger) as here:
        await everywhere.apply(here.fleet, request())
    async with fleet_world(cluster("eu-1"), ledger=ledger) as again:
        (left,) = await resume(again.fleet)
        ended = await again.fleet.running.wait(left.id)
        assert ended.state.value == "failed"
        assert "us-1: is not known" in ended.error


async def test_a_release_not_waited_for_is_settled_by_the_next_apply() -> None:
    async with fleet_world(cluster("eu-1")) as here:
        platform = here.fleet.platform("eu-1")
        for image, waits in (("web:1", True), ("fault/exits:1", False)):
            begun = await begin(platform, request(WEB.image(image), wait=waits))
            assert begun.operation is not None
            await here.fleet.running.wait(begun.operation.id)
        known = await platform.engine.releases(key("web"))
        assert [each.verdict for each in known] == [Verdict.DEPLOYING, Verdict.DEPLOYED]
        whole = request(WEB.image("fault/exits:1"), whole=True)
        (change,) = (await plan(platform, whole)).plan.changes
        assert (change.action.value, change.apply) == ("settle", ())
        begun = await begin(platform, whole)
        assert begun.operation is not None
        ended = await here.fleet.running.wait(begun.operation.id)
        assert ended.state.value == "failed"
        known = await platform.engine.releases(key("web"))
        assert [each.verdict for each in known] == [Verdict.FAILED, Verdict.DEPLOYED]


async def test_a_release_left_behind_gets_its_verdict_before_the_next() -> None:
    async with fleet_world(cluster("eu-1")) as here:
        platform = here.fleet.platform("eu-1")
        begun = await begin(platform, request(wait=False))
        assert begun.operation is not None
        await here.fleet.running.wait(begun.operation.id)
        await judge_left(platform, await platform.engine.releases(key("web")))
        (release,) = await platform.engine.releases(key("web"))
        assert release.verdict is Verdict.DEPLOYED
