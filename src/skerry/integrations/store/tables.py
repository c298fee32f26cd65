"""The schema, once. `migrations` leads to it; a test compares the two.

`REVISION` is the migration it stands for: a database already there is opened without
loading Alembic.
"""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

from skerry.integrations.store.columns import Moment, Words

REVISION: Final = "0004"

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

# SQLite counts up only in a column of type INTEGER.
_COUNT = BigInteger().with_variant(Integer, "sqlite")


def _counted() -> Column[int]:
    return Column("number", _COUNT, primary_key=True, autoincrement=True)


objects = Table(
    "objects",
    metadata,
    _counted(),
    Column("kind", String, nullable=False),
    Column("namespace", String, nullable=False),
    Column("name", String, nullable=False),
    Column("body", JSON, nullable=False),
    Index("uq_objects_key", "kind", "namespace", "name", unique=True),
    sqlite_autoincrement=True,
)

facts = Table(
    "facts",
    metadata,
    Column("kind", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("body", JSON, nullable=False),
)

# `body` is zlib over JSON {"objects": [...], "before": {...} | null}.
releases = Table(
    "releases",
    metadata,
    Column("namespace", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("image", Words, nullable=False),
    Column("by", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Column("reason", Words, nullable=False),
    Column("inputs", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("verdict_reason", Words, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

# `body` is the request, and last: SQLite reads through all that comes before a column.
operations = Table(
    "operations",
    metadata,
    _counted(),
    Column("id", String, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("by", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Column("subject", Words, nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("error", Words, nullable=False),
    Column("hint", Words, nullable=False),
    Column("ended", Moment),
    Column("namespaces", JSON, nullable=False, server_default="[]"),
    Column("cell", String, nullable=False, server_default=""),
    Column("body", JSON, nullable=False, server_default="{}"),
    sqlite_autoincrement=True,
)

# `body` is a Progress as JSON, but for its number.
progress = Table(
    "progress",
    metadata,
    Column("operation", String, ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("body", JSON, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    _counted(),
    Column("at", Moment, nullable=False, index=True),
    Column("by", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("allowed", Boolean, nullable=False),
    Column("detail", Words, nullable=False),
    sqlite_autoincrement=True,
)

# `digest` is the SHA-256 of the token; the token itself is nowhere.
tokens = Table(
    "tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", Words, nullable=False, unique=True),
    Column("digest", String, nullable=False, unique=True),
    Column("role", String, nullable=False),
    Column("namespaces", JSON, nullable=False),
    Column("created", Moment, nullable=False),
    Column("expires", Moment),
)

# One row: see leader_row.py. Used on PostgreSQL alone; SQLite has one server.
leadership = Table(
    "leadership",
    metadata,
    Column("role", String, primary_key=True),
    Column("term", BigInteger, nullable=False),
    Column("holder", String, nullable=False),
    Column("name", Words, nullable=False),
    Column("url", Words, nullable=False),
    Column("since", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
)
