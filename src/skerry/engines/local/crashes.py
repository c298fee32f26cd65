"""When a container that ended is started again. Pure.

Waits of 1, 2, 4 seconds and so on up to a minute; three ends within half a minute are a
crash loop and wait a minute at once. An exit code of 0 is an end like any other: some
images exit 0 when they cannot start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

FIRST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 60.0
LOOP_CRASHES: Final = 3
LOOP_SECONDS: Final = 30.0
# A container that ran this long is taken to have recovered: its next end is a first one.
RECOVERED_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crashes:
    """The ends of one replica: how many ever, how many in a row, when the last few were
    (seconds since the epoch)."""

    total: int = 0
    streak: int = 0
    recent: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """How long to wait before the next start, and why."""

    seconds: float
    cooldown: bool
    reason: str


def crashed(before: Crashes, *, at: float, ran_seconds: float) -> tuple[Crashes, Pause]:
    """The history with one more end, and the wait that follows from it."""
    streak = 1 if ran_seconds >= RECOVERED_SECONDS else before.streak + 1
    recent = (*(then for then in before.recent if 0 <= at - then <= LOOP_SECONDS), at)
    after = Crashes(total=before.total + 1, streak=streak, recent=recent[-LOOP_CRASHES:])
    if len(recent) >= LOOP_CRASHES:
        said = f"crashed {len(recent)} times in {LOOP_SECONDS:.0f} s"
        return after, Pause(
            seconds=LONGEST_SECONDS,
            cooldown=True,
            reason=f"{said}: cooling down, next try in {LONGEST_SECONDS:.0f} s",
        )
    seconds = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(streak - 1, 16))
    return after, Pause(
        seconds=seconds, cooldown=False, reason=f"back-off {seconds:.0f} s before the next start"
    )


def crashes_to_fact(crashes: Crashes) -> dict[str, Any]:
    """The form kept in the store."""
    return {"total": crashes.total, "streak": crashes.streak, "recent": list(crashes.recent)}


def crashes_from_fact(fact: Mapping[str, Any]) -> Crashes:
    """What `crashes_to_fact` wrote."""
    return Crashes(
        total=int(fact.get("total", 0)),
        streak=int(fact.get("streak", 0)),
        recent=tuple(float(at) for at in fact.get("recent", ())),
    )
