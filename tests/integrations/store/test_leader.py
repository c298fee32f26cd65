"""Who leads, on a real PostgreSQL: never two, and soon another."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count

import psycopg
import pytest
from sqlalchemy import text

from skerry.clock import SystemClock
from skerry.errors import Unavailable
from skerry.integrations.store import leader_row
from skerry.integrations.store.connect import connect
from skerry.integrations.store.database import Database
from skerry.integrations.store.leader import TTL_SECONDS, ElectedLeader
from skerry.integrations.store.open import open_store
from skerry.model.access import AuditEntry
from tests.conftest import Needs
from tests.fakes.clock import FakeClock
from tests.fakes.postgresql import binaries, running_server

NOON = FakeClock().now()
_databases = count(1)


@pytest.fixture(scope="module")
def socket(needs: Needs) -> Iterator[str]:
    programs = binaries()
    needs(programs, "PostgreSQL is not installed: apt-get install postgresql")
    assert programs
    with running_server(programs) as folder:
        yield folder


@pytest.fixture
def url(socket: str) -> str:
    name = f"leader{next(_databases)}"
    with psycopg.connect(f"host={socket} user=skerry dbname=postgres", autocommit=True) as c:
        c.execute(f"CREATE DATABASE {name}")
    found = f"postgresql://skerry@/{name}?host={socket}"
    asyncio.run(open_store(found, SystemClock()).close())
    return found


@asynccontextmanager
async def server(url: str, name: str) -> AsyncIterator[ElectedLeader]:
    leader = ElectedLeader(Database(connect(url)), SystemClock(), name=name, url=f"http://{name}")
    await leader.open()
    try:
        yield leader
    finally:
        await leader.close()


async def test_one_of_three_leads_and_the_others_know_it(url: str) -> None:
    async with server(url, "a") as a, server(url, "b") as b, server(url, "c") as c:
        assert [each.leads for each in (a, b, c)] == [True, False, False]
        for each in (a, b, c):
            assert each.leader is not None
            assert (each.leader.name, each.leader.url, each.leader.term) == ("a", "http://a", 1)


async def test_who_resigns_is_followed_at_once(url: str) -> None:
    async with server(url, "b") as b:
        await b.close()
        async with server(url, "a") as a, server(url, "c") as c:
            await a.close()
            async with asyncio.timeout(3):
                await c.changed()
            assert c.leads
            assert c.leader is not None
            assert c.leader.term == 3


async def test_a_leader_that_cannot_renew_stops_before_another_starts(url: str) -> None:
    async with server(url, "a") as a, server(url, "b") as b:
        hang(a)
        async with asyncio.timeout(TTL_SECONDS + 4):
            while not b.leads:
                assert not (a.leads and b.leads)
                await asyncio.sleep(0.02)
        assert not a.leads


async def test_a_leader_of_an_earlier_term_cannot_write(url: str) -> None:
    store = open_store(url, SystemClock())
    try:
        async with server(url, "a") as a:
            store.fence(a.fence)
            await store.audit(entry())
            with psycopg.connect(psycopg_address(url)) as other:
                other.execute("UPDATE leadership SET term = term + 1, holder = 'b', name = 'b'")
            with pytest.raises(Unavailable, match="b leads now"):
                await store.audit(entry())
            assert len(await store.audited()) == 1
    finally:
        await store.close()


async def test_a_takeover_waits_for_a_write_under_way(url: str) -> None:
    async with server(url, "a") as a:
        hang(a)
        engine = connect(url)
        with engine.connect() as writing, writing.begin():
            a.fence(writing)
            with psycopg.connect(psycopg_address(url)) as other:
                other.execute("UPDATE leadership SET expires = '-infinity'")
                other.commit()
                other.execute("SET lock_timeout = 300")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    other.execute("SELECT 1 FROM leadership FOR UPDATE")
        engine.dispose()


async def test_a_writer_that_hangs_within_its_write_stops_nobody(url: str) -> None:
    async with server(url, "a") as a:
        engine = connect(url)
        with engine.connect() as writing:
            transaction = writing.begin()
            a.fence(writing)
            hang(a)  # as if the whole process were stopped here
            async with server(url, "b") as b, asyncio.timeout(TTL_SECONDS + 8):
                if not b.leads:
                    await b.changed()
            with pytest.raises(Exception, match="idle-in-transaction"):
                writing.execute(text("SELECT 1"))
            with pytest.raises(Exception):  # noqa: B017
                transaction.commit()
            writing.invalidate()
        engine.dispose()


async def test_renewing_goes_on_beside_a_long_write(url: str) -> None:
    async with server(url, "a") as a:
        engine = connect(url)
        with engine.connect() as writing, writing.begin():
            a.fence(writing)
            other = connect(url)
            with other.connect() as c, c.begin():
                (holder,) = c.execute(text("SELECT holder FROM leadership")).one()
                assert leader_row.renew(c, holder=holder, term=1, ttl=5)
            other.dispose()
        engine.dispose()


def hang(leader: ElectedLeader) -> None:
    """It does nothing any more, as a stopped process."""
    for task in tuple(leader._tasks._running):
        task.cancel()


def psycopg_address(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql")


def entry() -> AuditEntry:
    return AuditEntry(at=NOON, by="x", action="y", subject="z", allowed=True, detail="")
