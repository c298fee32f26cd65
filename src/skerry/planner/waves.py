"""Which tenants go when, and whether a roll-out goes on: waves, and the decision after a look.

A roll-out gives a stack's tenants something new a wave at a time. Everything here is a
function of values: who carries it out says what it sees and does as it is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from hashlib import blake2b
from itertools import pairwise
from math import ceil
from re import compile as pattern
from typing import Final

from skerry.model.rollout import Rollout, RolloutState
from skerry.model.units import show_seconds

NAMED: Final = 5  # tenants a sentence names; the rest is a number
_STEP: Final = pattern(r"([0-9]+(?:\.[0-9]+)?)(%?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How many tenants are to be done once a wave has ended: a share of all, or a count."""

    share: Fraction | None = None
    count: int = 0

    def reach(self, total: int) -> int:
        """Of so many tenants. A share is rounded up."""
        return min(total, self.count if self.share is None else ceil(self.share * total))


def read_steps(written: str) -> tuple[Step, ...]:
    """`"1%,10%,100%"` or `"5,50,100%"`. Raises ValueError unless it ends in 100%, and when
    shares or counts do not grow."""
    steps = tuple(_step(each.strip()) for each in written.split(","))
    if steps[-1].share != 1:
        raise ValueError("should end in 100%: a roll-out reaches every tenant")
    for kind in ([each.share for each in steps], [each.count or None for each in steps]):
        grown = [each for each in kind if each is not None]
        if any(later <= earlier for earlier, later in pairwise(grown)):
            raise ValueError("should grow from wave to wave, as 1%,10%,100%")
    return steps


def in_order(tenants: Iterable[str], *, stack: str, first: Sequence[str] = ()) -> tuple[str, ...]:
    """Those named `first`, then all others by a hash of stack and name: the same in every run,
    and a tenant that comes or goes moves no other."""
    known = set(tenants)
    named = [each for each in dict.fromkeys(first) if each in known]
    others = known - set(named)
    return (*named, *sorted(others, key=lambda tenant: (_place(stack, tenant), tenant)))


def waves(
    tenants: Iterable[str], steps: Sequence[Step], *, stack: str, first: Sequence[str] = ()
) -> tuple[tuple[str, ...], ...]:
    """Every tenant in exactly one wave, none of them empty: a wave takes at least one tenant,
    so that few tenants have fewer waves. The tenants named `first` are the first wave's, even
    when they are more than its step says."""
    ordered = in_order(tenants, stack=stack, first=first)
    named = sum(each in set(first) for each in ordered)
    found, done = [], 0
    for place, step in enumerate(steps):
        least = max(done + 1, named if place == 0 else 0)
        end = min(len(ordered), max(least, step.reach(len(ordered))))
        if end > done:
            found.append(ordered[done:end])
        done = max(done, end)
    return tuple(found)


class Seen(StrEnum):
    """How one tenant of a wave looks."""

    WAITING = "waiting"  # on its way up, or back
    UP = "up"
    FAILED = "failed"  # its release failed, and what ran before is back, or cannot come back
    TROUBLED = "troubled"  # it was up, and is not well any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One tenant, and why it looks so."""

    seen: Seen
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not every tenant of the wave is up or back."""

    reason: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bake:
    """All are up; the wave is watched until then."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """On to the next wave."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Too many tenants failed. No later wave is begun."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """That was the last wave."""

    reason: str


Decision = Wait | Bake | Advance | Halt | Done


def decide(rollout: Rollout, wave: Mapping[str, Sight], *, now: datetime) -> Decision:
    """What follows from how the present wave's tenants look. A wave is seen to its end before a
    roll-out halts, so that no tenant is left on its way."""
    waiting = {each: sight for each, sight in wave.items() if sight.seen is Seen.WAITING}
    failed = dict(rollout.failed)
    failed |= {each: sight.reason for each, sight in wave.items() if sight.seen is Seen.FAILED}
    troubled = {each: sight.reason for each, sight in wave.items() if sight.seen is Seen.TROUBLED}
    if rollout.baking is not None and len(failed.keys() | troubled.keys()) > rollout.max_failures:
        said = "not well any more in the bake" if troubled else "failed"
        return Halt(reason=_count(rollout, troubled or failed, said=said))
    if rollout.baking is None and waiting:
        return Wait(reason=_waiting(rollout, wave, waiting), since=rollout.since)
    if len(failed) > rollout.max_failures:
        return Halt(reason=_count(rollout, failed, said="failed"))
    return _onwards(rollout, len(wave) - len(failed.keys() & wave.keys()), now=now)


def after(rollout: Rollout, decision: Decision, *, now: datetime) -> Rollout:
    """The roll-out, once that was decided."""
    match decision:
        case Wait():
            return rollout
        case Bake():
            return rollout if rollout.baking else replace(rollout, baking=now)
        case Advance():
            return _next(rollout, now=now)
        case Halt(reason=reason):
            return replace(rollout, state=RolloutState.HALTED, reason=reason, since=now)
        case Done(reason=reason):
            ended = _next(rollout, now=now)
            return replace(ended, state=RolloutState.DONE, reason=reason)


def resumed(rollout: Rollout, *, now: datetime) -> Rollout:
    """A halted or aborted roll-out that somebody takes up again. Finished waves stay finished:
    in the present one only what failed or was not reached is done. One that halted in its bake
    was looked at by whoever resumes it: the next wave follows. One that runs still (its carrier
    died) goes on where it was, its bake with what is left of it."""
    if rollout.state is RolloutState.RUNNING:
        return rollout
    again = replace(
        rollout,
        state=RolloutState.RUNNING,
        reason="",
        failed={},
        since=now,
        up=0,
        attempts=(*rollout.attempts, now),
    )
    return _next(again, now=now) if rollout.baking is not None else again


def _onwards(rollout: Rollout, up: int, *, now: datetime) -> Decision:
    place = f"wave {rollout.wave + 1} of {len(rollout.waves)}"
    if rollout.bake_seconds:
        until = (rollout.baking or now) + timedelta(seconds=rollout.bake_seconds)
        if now < until:
            left = show_seconds(ceil((until - now).total_seconds()))
            return Bake(until=until, reason=f"{place}: {up} up, watched for another {left}")
    if rollout.wave + 1 >= len(rollout.waves):
        total = rollout.tenants
        return Done(reason=f"{total - len(rollout.failed)} of {_tenants(total)} done")
    return Advance(reason=f"{place} is done: {_tenants(up)} up")


def _next(rollout: Rollout, *, now: datetime) -> Rollout:
    return replace(rollout, wave=rollout.wave + 1, since=now, baking=None, up=0)


def _waiting(rollout: Rollout, wave: Mapping[str, Sight], waiting: Mapping[str, Sight]) -> str:
    up = sum(each.seen in {Seen.UP, Seen.TROUBLED} for each in wave.values())
    failed = sum(each.seen is Seen.FAILED for each in wave.values())
    said = f"wave {rollout.wave + 1} of {len(rollout.waves)}: {up} of {_tenants(len(wave))} up"
    if failed:
        said += f", {failed} failed"
    reasons = {each: sight.reason for each, sight in waiting.items()}
    return f"{said}; waiting for {named(reasons, most=3)}"


def _count(rollout: Rollout, which: Mapping[str, str], *, said: str) -> str:
    place = f"wave {rollout.wave + 1} of {len(rollout.waves)}"
    return f"{place}: {_tenants(len(which))} {said}: {named(which)}"


def named(reasons: Mapping[str, str], *, most: int = NAMED) -> str:
    """`acme (crashed once), globex and 12 more`: the first by name, with their reasons."""
    shown = [
        f"{tenant} ({reason})" if reason else tenant
        for tenant, reason in sorted(reasons.items())[:most]
    ]
    rest = len(reasons) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _tenants(count: int) -> str:
    return f"{count} tenant{'' if count == 1 else 's'}"


def _place(stack: str, tenant: str) -> bytes:
    return blake2b(tenant.encode(), key=stack.encode()[:64], digest_size=8).digest()


def _step(written: str) -> Step:
    match = _STEP.fullmatch(written)
    if match is None or (not match[2] and "." in match[1]):
        raise ValueError(f"{written!r} should be a share such as 10%, or a count of tenants")
    number = Fraction(match[1])
    if number <= 0 or (match[2] and number > 100):
        raise ValueError(f"{written!r} should be more than 0%, and at most 100%")
    return Step(share=number / 100) if match[2] else Step(count=int(number))
