"""Server-sent events: lines of bytes -> events. Pure."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple


class Event(NamedTuple):
    """One event: its name, its data parsed as JSON, and its id when it has one."""

    name: str
    data: Any
    id: str = ""


def parse_events(lines: Iterable[bytes]) -> Iterator[Event]:
    """Events as they become whole. Comments (`: alive`) are skipped; an event cut off at the
    end of the stream is dropped, as the standard says."""
    name, id_, data = "message", "", list[str]()
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if not line:
            if data:
                yield Event(name, json.loads("\n".join(data)), id_)
            name, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            id_ = value
