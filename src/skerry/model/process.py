"""Values of running processes: log lines, one-off runs, image builds."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Stream(StrEnum):
    """Which of a process's outputs."""

    STDOUT = "stdout"
    STDERR = "stderr"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line a container said."""

    at: datetime
    replica: str
    stream: Stream
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Which lines: the last `tail` (all when None) since `since`; with `follow`, those to come
    too, from replicas as they come and go."""

    follow: bool = False
    tail: int | None = 200
    since: datetime | None = None
    replica: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Bytes a process said."""

    stream: Stream
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildLine:
    """One line of an image build."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing `skerry doctor` looked at. `hint` is a command or a setting, when not ok;
    `stops` says that services cannot run, or not be reached, until it is."""

    name: str
    ok: bool
    message: str
    hint: str = ""
    stops: bool = True
