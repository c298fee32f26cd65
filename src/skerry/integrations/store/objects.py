"""Statements on wanted objects, and on facts."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    bindparam,
    delete,
    insert,
    select,
    text,
    tuple_,
    update,
)

from skerry.integrations.store.tables import facts, objects
from skerry.model.keys import ObjectKey
from skerry.model.objects import Manifest, key_of

_KEY = (objects.c.kind, objects.c.namespace, objects.c.name)
_BATCH = 300  # keys in one statement: SQLite takes 32,766 variables, older ones 999

# As text: both databases read it, and SQLAlchemy compiles its own form of it anew each time,
# which takes longer than running it.
_PUT = text(
    "INSERT INTO objects (kind, namespace, name, body) VALUES (:kind, :namespace, :name, :body) "
    "ON CONFLICT (kind, namespace, name) DO UPDATE SET body = excluded.body"
).bindparams(bindparam("body", type_=JSON))


def every(connection: Connection) -> tuple[Manifest, ...]:
    """All, in the order first written."""
    found = connection.execute(select(objects.c.body).order_by(objects.c.number))
    return tuple(found.scalars())


def write(connection: Connection, puts: Sequence[Manifest], deletes: Sequence[ObjectKey]) -> None:
    """Delete, then put. An object already there keeps its place in the order."""
    for start in range(0, len(deletes), _BATCH):
        keys = [tuple(key) for key in deletes[start : start + _BATCH]]
        connection.execute(delete(objects).where(tuple_(*_KEY).in_(keys)))
    rows = [{**key_of(manifest)._asdict(), "body": manifest} for manifest in puts]
    if rows:
        connection.execute(_PUT, rows)


def remembered(connection: Connection, kind: str) -> Mapping[str, Mapping[str, Any]]:
    """Facts of a kind, by key."""
    found = connection.execute(select(facts.c.key, facts.c.body).where(facts.c.kind == kind))
    return {row.key: row.body for row in found}


def remember(
    connection: Connection, kind: str, key: str, *, fact: Mapping[str, Any] | None
) -> None:
    """Put a fact, or forget it (None)."""
    here = (facts.c.kind == kind, facts.c.key == key)
    if fact is None:
        connection.execute(delete(facts).where(*here))
    elif not connection.execute(update(facts).where(*here).values(body=fact)).rowcount:
        connection.execute(insert(facts).values(kind=kind, key=key, body=fact))
