"""What the API says of roll-outs, and `-o json` prints."""

from typing_extensions import TypedDict

from skerry.report.shapes import CellFailureView


class ApartView(TypedDict):
    """A tenant that failed or was left alone, and why."""

    tenant: str
    reason: str


class RolloutView(TypedDict):
    """A stack's last roll-out in one cell. `waves` are their sizes, `wave` how many of them are
    finished; `carried` says whether somebody is at it now; `baking` since when the present wave
    is watched."""

    id: str
    stack: str
    cell: str
    version: str
    back: bool
    by: str
    at: str
    state: str
    reason: str
    carried: bool
    waves: list[int]
    wave: int
    tenants: int
    finished: int
    since: str
    baking: str | None
    bake_seconds: float
    max_failures: int
    failed: list[ApartView]
    skipped: list[ApartView]


class RolloutsView(TypedDict):
    """`skerry rollouts -o json`."""

    rollouts: list[RolloutView]
    unreachable: list[CellFailureView]
