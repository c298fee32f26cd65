"""Whose an operation is, beside its request: a list of operations reads no request any more."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_OPERATIONS = sa.table(
    "operations",
    sa.column("number", sa.BigInteger),
    sa.column("request", sa.JSON),
    sa.column("namespaces", sa.JSON),
    sa.column("body", sa.JSON),
)


def upgrade() -> None:
    """Add the column, fill it from the requests there are, and move those to the end of the
    row: what comes after a large value is slow to read."""
    for name, empty in (("namespaces", "[]"), ("body", "{}")):
        op.add_column("operations", sa.Column(name, sa.JSON, nullable=False, server_default=empty))
    connection = op.get_bind()
    known = connection.execute(sa.select(_OPERATIONS.c.number, _OPERATIONS.c.request)).all()
    for number, request in known:
        connection.execute(
            sa.update(_OPERATIONS)
            .where(_OPERATIONS.c.number == number)
            .values(namespaces=_namespaces(request), body=request)
        )
    op.drop_column("operations", "request")


def _namespaces(request: dict[str, Any]) -> list[str]:
    named = [request["service"]] if "service" in request else []
    named += [step["service"] for step in request.get("steps", ())]
    named += [service for layer in request.get("layers", ()) for service in layer]
    return sorted({namespace for namespace, _ in named})
