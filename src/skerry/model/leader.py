"""Who acts, where several servers share one database."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """The server that acts. `term` grows with every change of leader; `url` is where other
    servers reach it, empty when it has not said so."""

    name: str
    term: int
    since: datetime
    url: str = ""
