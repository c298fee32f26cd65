"""What is done only while a server leads, and what an engine does not do for one that does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from skerry.clock import SystemClock
from skerry.controllers.leading import Alone, Leading
from skerry.engines.memory.engine import MemoryEngine
from skerry.errors import EngineUnavailable, Unavailable
from skerry.model.cell import Cell
from skerry.model.keys import ServiceKey
from skerry.model.leader import Leader
from skerry.operations.guarding import guarded
from tests.controllers.world import until


class Ballot:
    """A Leadership the test decides."""

    def __init__(self, *, leads: bool) -> None:
        self.leads = leads
        self.leader: Leader | None = None
        self._bell = asyncio.Event()

    def set(self, leads: bool) -> None:
        self.leads = leads
        self._bell.set()
        self._bell = asyncio.Event()

    async def changed(self) -> None:
        await self._bell.wait()

    async def close(self) -> None:
        pass


class Duties:
    """What leading is, written down."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.fails = 0

    @asynccontextmanager
    async def lead(self) -> AsyncIterator[None]:
        if self.fails:
            self.fails -= 1
            raise EngineUnavailable("does not answer")
        self.done.append("begin")
        try:
            yield
        finally:
            self.done.append("end")


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_it_is_begun_and_ended_with_each_change() -> None:
    ballot, duties = Ballot(leads=True), Duties()
    leading = Leading(ballot, SystemClock(), lead=duties.lead)
    await leading.open()
    assert duties.done == ["begin"]
    ballot.set(False)
    await settle()
    assert duties.done == ["begin", "end"]
    ballot.set(True)
    await settle()
    await leading.close()
    assert duties.done == ["begin", "end", "begin", "end"]


async def test_a_server_that_does_not_lead_begins_nothing() -> None:
    duties = Duties()
    leading = Leading(Ballot(leads=False), SystemClock(), lead=duties.lead)
    await leading.open()
    await settle()
    await leading.close()
    assert duties.done == []


async def test_what_keeps_it_from_beginning_is_raised_at_the_start() -> None:
    duties = Duties()
    duties.fails = 1
    leading = Leading(Alone(SystemClock(), name="a"), SystemClock(), lead=duties.lead)
    with pytest.raises(EngineUnavailable):
        await leading.open()
    await leading.close()


async def test_later_it_is_tried_again() -> None:
    ballot, duties = Ballot(leads=False), Duties()
    duties.fails = 1
    leading = Leading(ballot, SystemClock(), lead=duties.lead)
    await leading.open()
    await settle()
    ballot.set(True)
    await until(lambda: duties.done == ["begin"])
    await leading.close()


async def test_an_engine_acts_only_for_who_leads() -> None:
    ballot = Ballot(leads=True)
    engine = guarded(MemoryEngine(Cell(), SystemClock()), ballot)
    await engine.remember("note", {"a": 1})
    ballot.set(False)
    with pytest.raises(Unavailable, match="does not lead any more"):
        await engine.remember("note", None)
    with pytest.raises(Unavailable, match="does not lead any more"):
        await engine.delete(ServiceKey("default", "web"), volumes=True)
    assert await engine.recall("note") == {"a": 1}
    assert engine.cell.cell == "local"
