"""Brings a database to the schema of this version, at open."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from skerry.errors import Refused
from skerry.integrations.store.tables import REVISION

_HERE = Path(__file__).parent
_LOCK = 0x534B4552  # "SKER": any number nobody else in this database uses


def migrate(connection: Connection) -> None:
    """Within the caller's transaction: it is the old schema or the new one, never between.
    Raises Refused for a database a newer Skerry has written."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    revision = _revision(connection)
    if revision != REVISION:
        _upgrade(connection, revision)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _upgrade(connection: Connection, revision: str | None) -> None:
    # Loaded only where there is something to migrate: it takes 0.1 s.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_HERE / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise Refused(
            f"was written by a newer Skerry (schema {revision}, this one knows {REVISION})",
            subject="store",
            hint="install that version again, or put back a copy of the database made before it",
        )
    command.upgrade(config, "head")
