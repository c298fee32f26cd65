"""Column types that mean the same on SQLite and PostgreSQL."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

_NUL = "\x00"


def dump(value: Any) -> bytes:
    """JSON. Mappings of any kind become objects, tuples arrays; text no encoding can hold
    (half a surrogate pair from a container's output) loses only the characters at fault."""
    try:
        return orjson.dumps(value, default=_plain)
    except TypeError:
        said = json.dumps(value, default=_plain, ensure_ascii=False)
        return said.encode("utf-8", "replace")


def dump_text(value: Any) -> str:
    """`dump`, as the text drivers expect."""
    return dump(value).decode()


def load(written: bytes | str) -> Any:
    """What `dump` wrote."""
    return orjson.loads(written)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")


class Moment(TypeDecorator[datetime]):
    """A time, always aware and in UTC: SQLite keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC. A naive time is a programming error."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a time needs its zone")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware again."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text from anywhere: characters a database refuses (NUL, half surrogates) become `?`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What every database takes."""
        if value is None or (value.isascii() and _NUL not in value):
            return value
        return value.encode("utf-8", "replace").decode().replace(_NUL, "?")
