"""What every store promises: the fake, SQLite, and PostgreSQL where a server binary is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from skerry.errors import Conflict, NotFound
from skerry.integrations.store.connect import connect
from skerry.integrations.store.history import History
from skerry.integrations.store.migrate import migrate
from skerry.integrations.store.open import open_store
from skerry.integrations.store.tables import metadata
from skerry.model.access import AuditEntry, Identity, Role, Token
from skerry.model.change import Release, Verdict
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import Manifest
from skerry.model.progress import Operation, OperationState, Progress, Stage
from skerry.model.world import ReplicaState
from skerry.ports import Ledger, ObjectStore
from tests.fakes.clock import FakeClock
from tests.fakes.postgresql import binaries, running_server
from tests.fakes.store import MemoryStore

NOON = FakeClock().now()

WEB = ServiceKey("default", "web")
API = ServiceKey("payments", "api")


class Store(ObjectStore, Ledger, Protocol):
    async def close(self) -> None: ...


Opener = Callable[..., Store]
_databases = count(1)


@pytest.fixture(scope="module")
def postgresql(needs: Callable[[object, str], None]) -> Iterator[str]:
    programs = binaries()
    needs(programs, "no PostgreSQL server is installed (Debian: postgresql)")
    assert programs
    with running_server(programs) as folder:
        yield folder


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def open_one(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opener]:
    """Opens stores that are new and empty, and closes them."""
    opened: list[Store] = []

    def opener(**kept: int) -> Store:
        history = History(**kept)
        store: Store
        if request.param == "memory":
            store = MemoryStore(history)
        elif request.param == "sqlite":
            url = f"sqlite:///{tmp_path}/{next(_databases)}.db"
            store = open_store(url, FakeClock(), history=history)
        else:
            url = new_database(request.getfixturevalue("postgresql"))
            store = open_store(url, FakeClock(), history=history)
        opened.append(store)
        return store

    yield opener
    for store in opened:
        await store.close()


@pytest.fixture
def store(open_one: Opener) -> Store:
    return open_one()


def new_database(folder: str) -> str:
    import psycopg

    name = f"skerry{next(_databases)}"
    with psycopg.connect(host=folder, user="skerry", dbname="postgres", autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    return f"postgresql://skerry@/{name}?host={folder}"


def manifest(kind: str, name: str, **spec: Any) -> Manifest:
    return {"kind": kind, "metadata": {"namespace": "default", "name": name}, "spec": spec}


def release(number: int, service: ServiceKey = WEB, **more: Any) -> Release:
    given: dict[str, Any] = {
        "image": f"web:{number}",
        "by": "ann",
        "at": NOON + timedelta(minutes=number),
        "reason": "the image changed",
        "inputs": "abc",
        "objects": (manifest("Deployment", service.name, image=f"web:{number}"),),
    }
    return Release(service=service, number=number, **(given | more))


def operation(id: str, **more: Any) -> Operation:
    given: dict[str, Any] = {"kind": "deploy", "by": "ann", "at": NOON, "subject": "service/web"}
    return Operation(id=id, **(given | more))


def waiting(message: str = "waits") -> Progress:
    return Progress(at=NOON, stage=Stage.WAITING, message=message)


def token(name: str, **more: Any) -> Token:
    given: dict[str, Any] = {"id": f"id-{name}", "digest": f"digest-{name}", "created": NOON}
    identity = Identity(name=name, role=Role.DEPLOYER, namespaces=frozenset({"a", "b"}))
    return Token(identity=identity, **(given | more))


class TestObjects:
    async def test_a_new_store_is_empty(self, store: Store) -> None:
        assert await store.objects() == ()
        assert await store.facts("address") == {}
        assert await store.releases() == ()
        assert await store.operations() == ()
        assert await store.tokens() == ()
        assert await store.audited() == ()

    async def test_objects_come_back_whole_and_in_the_order_written(self, store: Store) -> None:
        puts = [manifest("Service", "b", n=1.5, text="ü\n\x00"), manifest("Deployment", "a", x=[])]
        await store.write(puts, [])
        await store.write([manifest("ConfigMap", "c", none=None, yes=True)], [])
        assert [o["metadata"]["name"] for o in await store.objects()] == ["b", "a", "c"]
        assert (await store.objects())[0] == puts[0]

    async def test_an_object_written_again_is_replaced_in_its_place(self, store: Store) -> None:
        await store.write([manifest("Service", "a", v=1), manifest("Service", "b", v=1)], [])
        await store.write([manifest("Service", "a", v=2)], [])
        assert [(o["metadata"]["name"], o["spec"]["v"]) for o in await store.objects()] == [
            ("a", 2),
            ("b", 1),
        ]

    async def test_equal_names_of_other_kinds_and_namespaces_are_others(self, store: Store) -> None:
        elsewhere = {"kind": "Service", "metadata": {"namespace": "other", "name": "a"}}
        await store.write([manifest("Service", "a"), manifest("ConfigMap", "a"), elsewhere], [])
        assert len(await store.objects()) == 3
        await store.write([], [ObjectKey("Service", "default", "a")])
        assert [o["kind"] for o in await store.objects()] == ["ConfigMap", "Service"]

    async def test_deleting_what_is_not_there_does_nothing(self, store: Store) -> None:
        await store.write([manifest("Service", "a")], [ObjectKey("Service", "default", "b")])
        assert len(await store.objects()) == 1

    async def test_an_object_both_deleted_and_put_is_there(self, store: Store) -> None:
        await store.write([manifest("Service", "a", v=1)], [])
        key = ObjectKey("Service", "default", "a")
        await store.write([manifest("Service", "a", v=2)], [key])
        assert [o["spec"]["v"] for o in await store.objects()] == [2]

    async def test_a_write_that_fails_halfway_changes_nothing(self, store: Store) -> None:
        await store.write([manifest("Service", "a")], [])
        with pytest.raises(KeyError):
            await store.write(
                [manifest("Service", "b"), {"kind": "Service"}],
                [ObjectKey("Service", "default", "a")],
            )
        assert [o["metadata"]["name"] for o in await store.objects()] == ["a"]

    async def test_thousands_at_once(self, store: Store) -> None:
        await store.write([manifest("Service", f"s{n}") for n in range(3000)], [])
        assert len(await store.objects()) == 3000
        await store.write([], [ObjectKey("Service", "default", f"s{n}") for n in range(2999)])
        assert [o["metadata"]["name"] for o in await store.objects()] == ["s2999"]

    async def test_what_was_read_is_the_readers_own(self, store: Store) -> None:
        await store.write([manifest("Service", "a", v=1)], [])
        (read,) = await store.objects()
        read["spec"]["v"] = 2
        assert (await store.objects())[0]["spec"]["v"] == 1


class TestFacts:
    async def test_facts_are_kept_by_kind_and_key(self, store: Store) -> None:
        await store.put_fact("address", "web", {"ip": "198.18.0.1"})
        await store.put_fact("crash", "web", {"times": [1.5]})
        assert await store.facts("address") == {"web": {"ip": "198.18.0.1"}}
        assert await store.facts("crash") == {"web": {"times": [1.5]}}

    async def test_a_fact_put_again_is_replaced(self, store: Store) -> None:
        await store.put_fact("address", "web", {"ip": "198.18.0.1", "old": True})
        await store.put_fact("address", "web", {"ip": "198.18.0.2"})
        assert await store.facts("address") == {"web": {"ip": "198.18.0.2"}}

    async def test_a_fact_put_as_none_is_forgotten_also_when_unknown(self, store: Store) -> None:
        await store.put_fact("address", "web", {"ip": "198.18.0.1"})
        await store.put_fact("address", "web", None)
        await store.put_fact("address", "never", None)
        assert await store.facts("address") == {}


class TestReleases:
    async def test_a_release_comes_back_whole(self, store: Store) -> None:
        whole = release(
            1,
            before={"kind": "Job", "metadata": {"name": "web-before"}},
            verdict=Verdict.FAILED,
            verdict_reason="exited with 1: \x1b[31mÄrger\x1b[0m",
        )
        await store.record(whole)
        assert await store.releases(WEB) == (whole,)

    async def test_they_are_listed_newest_first(self, store: Store) -> None:
        for number in (1, 3, 2):
            await store.record(release(number))
        assert [r.number for r in await store.releases(WEB)] == [3, 2, 1]

    async def test_newest_only_gives_one_of_each_service(self, store: Store) -> None:
        for number in (1, 2):
            await store.record(release(number))
        await store.record(release(7, API))
        newest = await store.releases(newest_only=True)
        assert [(r.service, r.number) for r in newest] == [(WEB, 2), (API, 7)]
        assert [r.number for r in await store.releases(WEB, newest_only=True)] == [2]
        assert len(await store.releases()) == 3

    async def test_recorded_again_only_the_verdict_changes(self, store: Store) -> None:
        first = release(1)
        await store.record(first)
        judged = replace(first, verdict=Verdict.DEPLOYED, verdict_reason="all ready")
        await store.record(replace(judged, image="other:1", by="eve", objects=()))
        assert await store.releases(WEB) == (judged,)

    async def test_old_ones_go_and_those_of_others_stay(self, open_one: Opener) -> None:
        store = open_one(releases=3)
        await store.record(release(1, API))
        for number in range(1, 6):
            await store.record(release(number))
        assert [r.number for r in await store.releases(WEB)] == [5, 4, 3]
        assert [r.number for r in await store.releases(API)] == [1]

    async def test_the_two_deployed_last_stay_however_many_fail(self, open_one: Opener) -> None:
        store = open_one(releases=3)
        for number in range(1, 4):
            await store.record(release(number, verdict=Verdict.DEPLOYED))
        for number in range(4, 9):
            await store.record(release(number, verdict=Verdict.FAILED))
        assert [r.number for r in await store.releases(WEB)] == [8, 7, 6, 3, 2]


class TestOperations:
    async def test_an_operation_comes_back_whole(self, store: Store) -> None:
        whole = operation("a", request={"image": "web:2", "only": ["web"], "for": None})
        await store.open_operation(whole)
        assert await store.operation("a") == whole

    async def test_its_end_is_written(self, store: Store) -> None:
        started = operation("a", request={"image": "web:2"})
        await store.open_operation(started)
        ended = replace(
            started,
            state=OperationState.FAILED,
            error="did not come up",
            hint="skerry logs web",
            ended=NOON + timedelta(seconds=3),
        )
        await store.end_operation(ended)
        assert await store.operation("a") == ended
        assert await store.operations(running=True) == ()

    async def test_an_id_is_taken_once(self, store: Store) -> None:
        await store.open_operation(operation("a"))
        with pytest.raises(Conflict, match="operation/a"):
            await store.open_operation(operation("a", by="eve"))
        assert (await store.operation("a")).by == "ann"

    async def test_an_unknown_one_is_not_found(self, store: Store) -> None:
        with pytest.raises(NotFound, match="operation/a"):
            await store.operation("a")
        with pytest.raises(NotFound):
            await store.end_operation(operation("a"))
        with pytest.raises(NotFound):
            await store.say("a", waiting())
        assert await store.said("a") == ()

    async def test_they_are_listed_newest_first_whatever_the_clock_says(self, store: Store) -> None:
        for id, hours in (("a", 0), ("b", -5), ("c", 2)):
            await store.open_operation(operation(id, at=NOON + timedelta(hours=hours)))
        await store.end_operation(operation("b", state=OperationState.DONE))
        assert [o.id for o in await store.operations()] == ["c", "b", "a"]
        assert [o.id for o in await store.operations(limit=1)] == ["c"]
        assert [o.id for o in await store.operations(running=True)] == ["c", "a"]

    async def test_requests_are_left_out_where_nobody_asks_for_them(self, store: Store) -> None:
        whole = operation("a", request={"image": "web:2"}, namespaces=("default", "payments"))
        await store.open_operation(whole)
        light = replace(whole, request={})
        assert await store.operations(whole=False) == (light,)
        assert await store.operation("a", whole=False) == light
        assert await store.operations() == (whole,)
        assert await store.operation("a") == whole

    async def test_the_oldest_go_with_what_they_said_unless_they_run(
        self, open_one: Opener
    ) -> None:
        store = open_one(operations=2)
        for number in range(5):
            await store.open_operation(operation(f"{number}"))
            await store.say(f"{number}", waiting())
            if number != 1:
                await store.end_operation(operation(f"{number}", state=OperationState.DONE))
        assert [o.id for o in await store.operations()] == ["4", "3", "1"]
        assert await store.said("0") == ()
        assert len(await store.said("1")) == 1

    async def test_what_it_says_is_numbered_from_one_and_comes_back_whole(
        self, store: Store
    ) -> None:
        await store.open_operation(operation("a"))
        replica = ReplicaState(
            name="web-1", ready=False, reason="starting", since=NOON, last_lines=("hello",)
        )
        first = Progress(
            at=NOON,
            stage=Stage.WAITING,
            message="1 of 2 ready",
            service="web",
            since=NOON - timedelta(seconds=2),
            replicas=(replica,),
            last_lines=("NUL \x00 and ü",),
        )
        assert await store.say("a", first) == replace(first, number=1)
        assert (await store.say("a", waiting())).number == 2
        assert await store.said("a") == (replace(first, number=1), replace(waiting(), number=2))
        assert [p.number for p in await store.said("a", after=1)] == [2]

    async def test_said_at_the_same_time_nothing_is_lost(self, store: Store) -> None:
        await store.open_operation(operation("a"))
        said = await asyncio.gather(*(store.say("a", waiting(f"{n}")) for n in range(50)))
        assert sorted(p.number for p in said) == list(range(1, 51))
        assert [p.number for p in await store.said("a")] == list(range(1, 51))


class TestAudit:
    async def test_entries_are_numbered_and_listed_newest_first(self, store: Store) -> None:
        entry = AuditEntry(
            at=NOON, by="ann", action="deploy", subject="web", allowed=False, detail="viewer"
        )
        for n in range(5):
            await store.audit(replace(entry, detail=f"{n}"))
        listed = await store.audited()
        assert [e.detail for e in listed] == ["4", "3", "2", "1", "0"]
        assert replace(listed[0], number=0) == replace(entry, detail="4")
        numbers = [e.number for e in listed]
        assert numbers == sorted(set(numbers), reverse=True)
        older = await store.audited(limit=2, before=listed[1].number)
        assert [e.detail for e in older] == ["2", "1"]


class TestTokens:
    async def test_a_token_is_found_by_its_digest(self, store: Store) -> None:
        kept = token("ci", expires=NOON + timedelta(days=1))
        await store.put_token(kept)
        assert await store.token("digest-ci") == kept
        assert await store.token("digest-") is None

    async def test_a_name_is_taken_once(self, store: Store) -> None:
        await store.put_token(token("ci"))
        with pytest.raises(Conflict, match="token/ci"):
            await store.put_token(token("ci", id="2", digest="2"))

    async def test_they_are_listed_by_name_and_forgotten_by_id(self, store: Store) -> None:
        for name in ("b", "a"):
            await store.put_token(token(name))
        assert [t.identity.name for t in await store.tokens()] == ["a", "b"]
        await store.drop_token("id-a")
        assert await store.token("digest-a") is None
        with pytest.raises(NotFound, match="token/id-a"):
            await store.drop_token("id-a")


class TestWriting:
    async def test_a_second_writer_is_told_at_once_who_the_first_is(self, store: Store) -> None:
        await store.open_operation(operation("77aa"))
        async with store.writing(WEB, operation="77aa"):
            with pytest.raises(Conflict, match="operation 77aa"):
                async with store.writing(WEB, operation="88bb"):
                    raise AssertionError("both write")
            async with store.writing(API):
                pass

    async def test_it_is_free_again_after_an_error(self, store: Store) -> None:
        with pytest.raises(ZeroDivisionError):
            async with store.writing(WEB):
                raise ZeroDivisionError
        async with store.writing(WEB):
            pass

    async def test_it_is_free_again_after_a_cancelled_task(self, store: Store) -> None:
        async def hold() -> None:
            async with store.writing(WEB):
                await asyncio.Event().wait()

        task = asyncio.create_task(hold())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        async with store.writing(WEB):
            pass

    async def test_of_many_at_once_one_writes(self, store: Store) -> None:
        async def one(n: int) -> bool:
            try:
                async with store.writing(WEB, operation=f"{n}"):
                    await asyncio.sleep(0.01)
                    return True
            except Conflict:
                return False

        assert sum(await asyncio.gather(*(one(n) for n in range(20)))) == 1


async def test_a_lost_connection_to_postgresql_costs_no_call(postgresql: str) -> None:
    import psycopg

    url = new_database(postgresql)
    store = open_store(url, FakeClock())
    await store.put_fact("address", "web", {"ip": "198.18.0.1"})
    with psycopg.connect(
        host=postgresql, user="skerry", dbname="postgres", autocommit=True
    ) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        )
    assert await store.facts("address") == {"web": {"ip": "198.18.0.1"}}
    await store.close()


def test_the_migrations_lead_to_the_tables_on_postgresql(postgresql: str) -> None:
    engine = connect(new_database(postgresql))
    with engine.begin() as connection:
        migrate(connection)
        difference = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert difference == []
