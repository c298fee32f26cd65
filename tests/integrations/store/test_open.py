"""Opening: the schema, the file, and addresses that are none."""

import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from skerry.errors import Refused, SkerryError, Unavailable
from skerry.integrations.store import migrate
from skerry.integrations.store.connect import connect
from skerry.integrations.store.open import open_store
from skerry.integrations.store.tables import REVISION, metadata
from skerry.model.objects import Manifest
from skerry.model.progress import Operation
from tests.fakes.clock import FakeClock

OBJECT: Manifest = {"kind": "Service", "metadata": {"namespace": "default", "name": "web"}}


def address(folder: Path) -> str:
    return f"sqlite:///{folder}/skerry.db"


def modes_in(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    store = open_store(address(tmp_path), FakeClock())
    await store.write([OBJECT], [])
    await store.close()
    again = open_store(address(tmp_path), FakeClock())
    assert await again.objects() == (OBJECT,)
    await again.close()


async def test_closing_twice_is_allowed_and_a_closed_store_says_so(tmp_path: Path) -> None:
    store = open_store(address(tmp_path), FakeClock())
    await store.close()
    await store.close()
    with pytest.raises(Unavailable, match="is closed"):
        await store.objects()


async def test_nobody_else_may_read_the_files(tmp_path: Path) -> None:
    (tmp_path / "skerry.db").touch(0o644)
    store = open_store(address(tmp_path), FakeClock())
    await store.write([OBJECT], [])
    modes = modes_in(tmp_path)
    await store.close()
    assert modes == {"skerry.db": 0o600, "skerry.db-wal": 0o600, "skerry.db-shm": 0o600}


def test_the_migrations_lead_to_the_tables(tmp_path: Path) -> None:
    engine = connect(address(tmp_path))
    with engine.begin() as connection:
        migrate.migrate(connection)
        difference = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert difference == []


def test_the_revision_is_that_of_the_last_migration() -> None:
    folder = Path(migrate.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_heads() == [REVISION]


async def test_operations_of_an_older_database_know_their_namespaces(tmp_path: Path) -> None:
    store = open_store(address(tmp_path), FakeClock())
    named = [["default", "web"], ["payments", "pay"]]
    request = {"steps": [{"service": each} for each in named]}
    await store.open_operation(
        Operation(
            id="a", kind="apply", by="ann", at=FakeClock().now(), subject="x", request=request
        )
    )
    await store.close()
    database = sqlite3.connect(tmp_path / "skerry.db")
    with database:
        database.execute("ALTER TABLE operations RENAME COLUMN body TO request")
        for newer in ("namespaces", "cell"):
            database.execute(f"ALTER TABLE operations DROP COLUMN {newer}")
        database.execute("DROP TABLE leadership")
        database.execute("UPDATE alembic_version SET version_num = '0001'")
    database.close()
    store = open_store(address(tmp_path), FakeClock())
    (operation,) = await store.operations()
    await store.close()
    assert (operation.namespaces, operation.request) == (("default", "payments"), request)


def test_a_migration_that_fails_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    engine = connect(address(tmp_path))
    with pytest.raises(ZeroDivisionError), engine.begin() as connection:
        migrate.migrate(connection)
        raise ZeroDivisionError
    engine.dispose()
    database = sqlite3.connect(tmp_path / "skerry.db")
    assert database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    database.close()


async def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    await open_store(address(tmp_path), FakeClock()).close()
    database = sqlite3.connect(tmp_path / "skerry.db")
    with database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(Refused, match="a newer Skerry") as raised:
        open_store(address(tmp_path), FakeClock())
    assert "install" in raised.value.hint


@pytest.mark.parametrize(
    "url", ["", "skerry.db", "sqlite://", "sqlite:///:memory:", "mysql://x/y", "nonsense://"]
)
def test_an_address_that_is_none_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(SkerryError) as raised:
        open_store(url, FakeClock())
    assert "postgresql://user@host/database" in raised.value.hint


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="No such file") as raised:
        open_store(f"sqlite:///{tmp_path}/none/skerry.db", FakeClock())
    assert raised.value.subject == f"store/{tmp_path}/none/skerry.db"
    assert f"ls -ld {tmp_path}/none" in raised.value.hint


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "skerry.db").write_text("hello " * 1000)
    with pytest.raises(Unavailable, match="it is no database") as raised:
        open_store(address(tmp_path), FakeClock())
    assert str(tmp_path) in raised.value.hint


def test_a_database_server_that_does_not_answer_is_named_without_password(tmp_path: Path) -> None:
    url = f"postgresql://skerry:hunter2@/skerry?host={tmp_path}"
    with pytest.raises(Unavailable) as raised:
        open_store(url, FakeClock())
    said = f"{raised.value} {raised.value.hint} {raised.value.__cause__}"
    assert raised.value.subject == f"store/{tmp_path}/skerry"
    assert "hunter2" not in said
