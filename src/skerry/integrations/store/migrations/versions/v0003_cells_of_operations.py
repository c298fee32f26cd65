"""Which cell an operation is in; the requests stay at the end of the row."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_OPERATIONS = sa.table("operations", sa.column("old", sa.JSON), sa.column("body", sa.JSON))


def upgrade() -> None:
    """Add the column, and put the requests behind it: what comes after a large value is slow
    to read."""
    op.execute("ALTER TABLE operations RENAME COLUMN body TO old")
    for name, kind, empty in (("cell", sa.String(), ""), ("body", sa.JSON(), "{}")):
        op.add_column("operations", sa.Column(name, kind, nullable=False, server_default=empty))
    op.get_bind().execute(sa.update(_OPERATIONS).values(body=_OPERATIONS.c.old))
    op.drop_column("operations", "old")
