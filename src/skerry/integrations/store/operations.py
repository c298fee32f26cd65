"""Statements on operations and what they say."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from skerry.errors import Conflict, NotFound
from skerry.integrations.store.tables import operations, progress
from skerry.model.progress import Operation, OperationState, Progress, Stage
from skerry.model.world import ReplicaState

_PLAIN = ("id", "kind", "by", "at", "subject", "cell", "error", "hint", "ended")


def start(connection: Connection, operation: Operation, *, keep: int) -> None:
    """Write a new one; the oldest beyond `keep` go, with what they said, unless they run."""
    if _find(connection, operation.id) is not None:
        raise Conflict("is already known", subject=_subject(operation.id))
    made = connection.execute(insert(operations).values(_row(operation)))
    number = (made.inserted_primary_key or (0,))[0]
    connection.execute(
        delete(operations).where(
            operations.c.number <= number - keep,
            operations.c.state != OperationState.RUNNING.value,
        )
    )


def end(connection: Connection, operation: Operation) -> None:
    """Write how it ended. Raises NotFound."""
    row = _row(operation)
    values = {name: row[name] for name in ("state", "error", "hint", "ended")}
    changed = update(operations).where(operations.c.id == operation.id).values(values)
    if not connection.execute(changed).rowcount:
        raise _unknown(operation.id)


def one(connection: Connection, id: str, *, whole: bool) -> Operation:
    """By id. Raises NotFound."""
    found = _find(connection, id, whole=whole)
    if found is None:
        raise _unknown(id)
    return found


def listed(
    connection: Connection, *, running: bool, whole: bool, limit: int
) -> tuple[Operation, ...]:
    """Newest first, in the order they were opened: the clock may jump."""
    query = _select(whole=whole).order_by(operations.c.number.desc()).limit(limit)
    if running:
        query = query.where(operations.c.state == OperationState.RUNNING.value)
    return tuple(_operation(row) for row in connection.execute(query))


def say(connection: Connection, operation: str, said: Progress) -> Progress:
    """Append, numbered from 1. Raises NotFound."""
    one_of = progress.c.operation == operation
    last = connection.execute(select(func.max(progress.c.number)).where(one_of)).scalar()
    if last is None and _find(connection, operation) is None:
        raise _unknown(operation)
    numbered = replace(said, number=(last or 0) + 1)
    body = {name: value for name, value in asdict(numbered).items() if name != "number"}
    row = {"operation": operation, "number": numbered.number, "body": body}
    connection.execute(insert(progress).values(row))
    return numbered


def said(connection: Connection, operation: str, *, after: int) -> tuple[Progress, ...]:
    """What was said from the number after."""
    query = (
        select(progress)
        .where(progress.c.operation == operation, progress.c.number > after)
        .order_by(progress.c.number)
    )
    return tuple(_progress(row) for row in connection.execute(query))


def _find(connection: Connection, id: str, *, whole: bool = False) -> Operation | None:
    row = connection.execute(_select(whole=whole).where(operations.c.id == id)).first()
    return None if row is None else _operation(row)


def _select(*, whole: bool) -> Select[Any]:
    """A request may hold thousands of objects: it is read only where it is needed."""
    return select(*(each for each in operations.c if whole or each is not operations.c.body))


def _subject(id: str) -> str:
    return f"operation/{id}"


def _unknown(id: str) -> NotFound:
    return NotFound(
        "is not known: it never was, or is older than what is kept", subject=_subject(id)
    )


def _row(operation: Operation) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(operation, name) for name in _PLAIN}
    return row | {
        "state": operation.state.value,
        "namespaces": list(operation.namespaces),
        "body": operation.request,
    }


def _operation(row: Row[Any]) -> Operation:
    return Operation(
        **{name: getattr(row, name) for name in _PLAIN},
        state=OperationState(row.state),
        namespaces=tuple(row.namespaces),
        request=getattr(row, "body", {}),
    )


def _progress(row: Row[Any]) -> Progress:
    body = row.body
    return Progress(
        at=datetime.fromisoformat(body["at"]),
        stage=Stage(body["stage"]),
        message=body["message"],
        service=body["service"],
        since=_moment(body["since"]),
        replicas=tuple(_replica(replica) for replica in body["replicas"]),
        last_lines=tuple(body["last_lines"]),
        number=row.number,
    )


def _replica(body: dict[str, Any]) -> ReplicaState:
    lines, since = tuple(body["last_lines"]), _moment(body["since"])
    return ReplicaState(**{**body, "last_lines": lines, "since": since})


def _moment(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)
