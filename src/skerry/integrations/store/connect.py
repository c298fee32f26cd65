"""An engine for a database's address, set up so that a commit is durable."""

import os
import sqlite3
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from skerry.errors import SkerryError, Unavailable
from skerry.integrations.store.columns import dump_text, load
from skerry.integrations.store.faults import subject_of

READING: Final = "skerry_reading"
QUICK: Final = "skerry_quick"

_EXPECTED = "use sqlite:////absolute/path, or postgresql://user@host/database"
# A server that is stopped or cut off must not hold locks, nor a thread of its own, for long:
# another is to take over within seconds. What an address says itself wins.
_POSTGRESQL: Final = {
    "options": "-c idle_in_transaction_session_timeout=5000 -c lock_timeout=15000",
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "application_name": "skerry",
}
_WAL_KEPT_BYTES = 16 * 2**20  # a log grown by one large write shrinks to that again

# How SQLite is set up. The mode of syncing is chosen for each transaction. A lock held by a
# backup or a person's sqlite3 is waited for 5 s, the driver's default (`?timeout=SECONDS`).
_PRAGMAS = (
    "journal_mode = WAL",
    "foreign_keys = ON",
    "temp_store = MEMORY",
    f"journal_size_limit = {_WAL_KEPT_BYTES}",
)


def connect(url: str) -> Engine:
    """Raises SkerryError for an address that is none, Unavailable for a file that cannot be
    made. Nothing is connected yet."""
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        _make_private(parsed)
    remote = parsed.get_backend_name() != "sqlite"
    try:
        engine = create_engine(
            parsed,
            json_serializer=dump_text,
            json_deserializer=load,
            hide_parameters=True,  # values never get into a message or a log
            pool_size=1,
            max_overflow=0,
            pool_pre_ping=remote,  # a restarted database server costs no failed call
        )
    except ModuleNotFoundError as error:
        raise SkerryError(
            f"needs {error.name}, which is not installed",
            subject=subject_of(parsed),
            hint="pip install 'skerry[postgresql]'",
        ) from error
    _listen(engine)
    return engine


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise SkerryError("is no database's address", subject="store", hint=_EXPECTED) from error
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed.set(drivername="sqlite+pysqlite")
    if backend == "postgresql":
        own = {name: value for name, value in _POSTGRESQL.items() if name not in parsed.query}
        return parsed.set(drivername="postgresql+psycopg").update_query_dict(own)
    raise SkerryError("cannot live there", subject="store", hint=_EXPECTED)


def _make_private(url: URL) -> None:
    # SQLite gives its log and its index the mode of the database.
    path = Path(url.database or "")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise Unavailable(
            f"cannot be made: {error.strerror}",
            subject=subject_of(url),
            hint=f"ls -ld {path.parent}; df -h {path.parent}",
        ) from error


def _listen(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "begin", _begin_postgresql)


def _set_up_sqlite(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say, also for DDL
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get(READING):
        connection.exec_driver_sql("BEGIN")
        return
    level = "NORMAL" if options.get(QUICK) else "FULL"
    connection.exec_driver_sql(f"PRAGMA synchronous = {level}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get(QUICK):
        connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")
