"""Statements on the one row that says who leads. All times are the database's own.

The row's key is locked by every write of a leader (`fence`) and by whoever takes over
(`take`), and by those two alone against each other: renewing goes on beside long writes. So a
takeover waits for writes under way, and a write after it finds another term and is refused.
"""

from typing import Any, Final

from sqlalchemy import Connection, Row, text

from skerry.errors import Unavailable
from skerry.model.leader import Leader

_ROLE: Final = "server"
_NEW: Final = text(
    "INSERT INTO leadership (role, term, holder, name, url, since, expires) "
    "VALUES (:role, 0, '', '', '', clock_timestamp(), '-infinity') ON CONFLICT DO NOTHING"
)
_SEEN: Final = text(
    "SELECT term, holder, name, url, since, expires > clock_timestamp() AS alive "
    "FROM leadership WHERE role = :role"
)
_RENEW: Final = text(
    "UPDATE leadership SET expires = clock_timestamp() + :ttl * interval '1 second' "
    "WHERE role = :role AND term = :term AND holder = :holder AND expires > clock_timestamp()"
)
_LOCK: Final = text("SELECT 1 FROM leadership WHERE role = :role FOR UPDATE")
_TAKE: Final = text(
    "UPDATE leadership SET term = term + 1, holder = :holder, name = :name, url = :url, "
    "since = clock_timestamp(), expires = clock_timestamp() + :ttl * interval '1 second' "
    "WHERE role = :role AND expires <= clock_timestamp() RETURNING term"
)
_RESIGN: Final = text(
    "UPDATE leadership SET expires = '-infinity' "
    "WHERE role = :role AND term = :term AND holder = :holder"
)
_FENCE: Final = text(
    "SELECT 1 FROM leadership WHERE role = :role AND term = :term AND holder = :holder "
    "FOR KEY SHARE"
)


def prepare(connection: Connection) -> None:
    """The row, led by nobody, when there is none."""
    connection.execute(_NEW, {"role": _ROLE})


def seen(connection: Connection) -> tuple[Leader | None, str]:
    """Who leads now, if anybody, and that server's own id."""
    row = connection.execute(_SEEN, {"role": _ROLE}).first()
    return (None, "") if row is None or not row.alive else (_leader(row), str(row.holder))


def renew(connection: Connection, *, holder: str, term: int, ttl: float) -> bool:
    """For `ttl` seconds from now, if it is still ours."""
    bound = {"role": _ROLE, "holder": holder, "term": term, "ttl": ttl}
    return bool(connection.execute(_RENEW, bound).rowcount)


def take(connection: Connection, bound: dict[str, Any]) -> int | None:
    """Lead from now on: the new term, or None when somebody does. `bound` holds holder, name,
    url, ttl. Waits for writes of the leader before."""
    connection.execute(_LOCK, {"role": _ROLE})
    term = connection.execute(_TAKE, {"role": _ROLE, **bound}).scalar()
    return None if term is None else int(term)


def resign(connection: Connection, *, holder: str, term: int) -> None:
    """Another may take it at once."""
    connection.execute(_RESIGN, {"role": _ROLE, "holder": holder, "term": term})


def fence(connection: Connection, *, holder: str, term: int) -> None:
    """Within a transaction that writes: it commits only as long as nobody else leads. Raises
    Unavailable: what an operation insists on is left to the server that takes it up."""
    bound = {"role": _ROLE, "holder": holder, "term": term}
    if connection.execute(_FENCE, bound).first() is None:
        leader, _ = seen(connection)
        raise Unavailable(
            f"{leader.name} leads now, and this server does not write any more"
            if leader
            else "no server leads at the moment, and only a leader writes",
            subject="server",
            hint="again in a few seconds: skerry operations",
        )


def _leader(row: Row[Any]) -> Leader:
    return Leader(name=row.name, term=row.term, since=row.since, url=row.url)
