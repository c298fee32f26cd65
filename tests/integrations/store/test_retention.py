"""What of the past is kept, and what of it no limit takes."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, func, insert, select

from skerry.integrations.store import access, migrate
from skerry.integrations.store.connect import connect
from skerry.integrations.store.history import History
from skerry.integrations.store.tables import audit
from skerry.model.access import AuditEntry
from tests.fakes.clock import FakeClock

NOON = FakeClock().now()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path}/skerry.db")
    with engine.begin() as connection:
        migrate.migrate(connection)
    yield engine
    engine.dispose()


def entry(days: int) -> AuditEntry:
    at = NOON + timedelta(days=days)
    return AuditEntry(at=at, by="ann", action="deploy", subject="web", allowed=True)


def fill(connection: Connection, days: list[int]) -> None:
    rows = [
        {name: getattr(entry(day), name) for name in ("at", "by", "action", "subject", "allowed")}
        | {"detail": ""}
        for day in days
    ]
    connection.execute(insert(audit), rows)


def kept(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(audit)).scalar_one()


def test_the_audit_keeps_as_many_entries_as_it_is_told(engine: Engine) -> None:
    with engine.begin() as connection:
        fill(connection, [0] * 2000)
        access.prune(connection, History(audit_entries=1500), now=NOON)
        assert kept(connection) == 1500


def test_entries_older_than_the_limit_go(engine: Engine) -> None:
    with engine.begin() as connection:
        fill(connection, [-400] * 500 + [-1] * 1500)
        access.prune(connection, History(audit_days=365), now=NOON)
        assert kept(connection) == 1500


def test_a_clock_that_jumps_ahead_takes_no_more_than_all_but_the_newest_thousand(
    engine: Engine,
) -> None:
    with engine.begin() as connection:
        fill(connection, [0] * 1200)
        access.prune(connection, History(), now=NOON + timedelta(days=20_000))
        assert kept(connection) == 1000


def test_numbers_are_not_used_again_after_entries_went(engine: Engine) -> None:
    with engine.begin() as connection:
        fill(connection, [0] * 3)
        connection.execute(audit.delete())
        access.append(connection, entry(0), history=History())
        assert [e.number for e in access.entries(connection, limit=1, before=None)] == [4]


def test_appending_prunes_now_and_then(engine: Engine) -> None:
    with engine.begin() as connection:
        fill(connection, [0] * 1500)
        for _ in range(100):
            access.append(connection, entry(0), history=History(audit_entries=1000))
        assert kept(connection) == 1000
