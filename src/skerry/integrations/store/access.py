"""Statements on tokens and on the audit."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, or_, select

from skerry.errors import Conflict, NotFound
from skerry.integrations.store.history import AUDIT_FLOOR, History
from skerry.integrations.store.tables import audit, tokens
from skerry.model.access import AuditEntry, Identity, Role, Token

_ENTRY = ("at", "by", "action", "subject", "allowed", "detail")
_EVERY = 100  # entries between two prunings


def put_token(connection: Connection, token: Token) -> None:
    """Keep one. Raises Conflict when its name is taken."""
    name = token.identity.name
    taken = or_(tokens.c.name == name, tokens.c.id == token.id, tokens.c.digest == token.digest)
    if connection.execute(select(tokens.c.id).where(taken)).first() is not None:
        raise Conflict(
            "the name is taken",
            subject=f"token/{name}",
            hint="choose another, or remove that one: skerry token list",
        )
    connection.execute(
        insert(tokens).values(
            id=token.id,
            name=name,
            digest=token.digest,
            role=token.identity.role.value,
            namespaces=sorted(token.identity.namespaces),
            created=token.created,
            expires=token.expires,
        )
    )


def token(connection: Connection, digest: str) -> Token | None:
    """By digest."""
    row = connection.execute(select(tokens).where(tokens.c.digest == digest)).first()
    return None if row is None else _token(row)


def every_token(connection: Connection) -> tuple[Token, ...]:
    """All, by name."""
    return tuple(_token(row) for row in connection.execute(select(tokens).order_by(tokens.c.name)))


def drop_token(connection: Connection, id: str) -> None:
    """Forget one. Raises NotFound."""
    if not connection.execute(delete(tokens).where(tokens.c.id == id)).rowcount:
        raise NotFound("is not known", subject=f"token/{id}", hint="skerry token list")


def append(connection: Connection, entry: AuditEntry, *, history: History) -> None:
    """Add an entry; now and then the oldest go."""
    row = {name: getattr(entry, name) for name in _ENTRY}
    made = connection.execute(insert(audit).values(row))
    number = (made.inserted_primary_key or (0,))[0]
    if number % _EVERY == 0:
        prune(connection, history, now=entry.at)


def prune(connection: Connection, history: History, *, now: datetime) -> None:
    """Remove entries beyond the count or the age kept, never the newest thousand."""
    last = connection.execute(select(func.max(audit.c.number))).scalar() or 0
    too_many = audit.c.number <= last - max(history.audit_entries, AUDIT_FLOOR)
    too_old = (audit.c.at < now - timedelta(days=history.audit_days)) & (
        audit.c.number <= last - AUDIT_FLOOR
    )
    connection.execute(delete(audit).where(too_many | too_old))


def entries(connection: Connection, *, limit: int, before: int | None) -> tuple[AuditEntry, ...]:
    """Newest first, those numbered below `before`."""
    query = select(audit).order_by(audit.c.number.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.number < before)
    return tuple(AuditEntry(**row._asdict()) for row in connection.execute(query))


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.id,
        digest=row.digest,
        identity=Identity(name=row.name, role=Role(row.role), namespaces=frozenset(row.namespaces)),
        created=row.created,
        expires=row.expires,
    )
