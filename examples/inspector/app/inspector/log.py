"""One line of JSON per event, on standard output."""

import json
import sys
from datetime import UTC, datetime
from typing import Any


def say(event: str, *, level: str = "info", **details: Any) -> None:
    """Write an event: `say("taken", job="...")`."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = {"time": now, "level": level, "event": event, **details}
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()
