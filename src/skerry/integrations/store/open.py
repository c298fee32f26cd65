"""Opening the store: the way in."""

from datetime import datetime

from sqlalchemy import Connection

from skerry.integrations.store import access
from skerry.integrations.store.connect import connect
from skerry.integrations.store.database import Database
from skerry.integrations.store.history import History
from skerry.integrations.store.migrate import migrate
from skerry.integrations.store.store import Store
from skerry.ports import Clock


def open_store(url: str, clock: Clock, *, history: History | None = None) -> Store:
    """The store at `sqlite:////absolute/path` or `postgresql://...`, its schema up to date.

    Blocks for as long as that takes. Raises SkerryError for an address that is none,
    Refused for a schema newer than this version, Unavailable.
    """
    kept = history or History()
    database = Database(connect(url))
    database.transact(lambda connection: _prepare(connection, kept, clock.now()), {})
    return Store(database, history=kept)


def _prepare(connection: Connection, history: History, now: datetime) -> None:
    migrate(connection)
    access.prune(connection, history, now=now)
