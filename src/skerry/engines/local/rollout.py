"""Which replicas to create and which to retire. Pure: decided anew at each look.

The rules, first match wins for each replica:

1. A workload with one writer (Recreate) is stopped before its successor starts.
2. An outdated replica that is not ready serves nobody: it goes as soon as a current one
   is wanted.
3. A ready outdated replica goes only when that leaves as many ready ones as are wanted.
4. Replicas beyond the wanted count go, unready before ready, newest before oldest.
5. Missing current replicas are created, with at most `surge` beyond the wanted count.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A replica as the rollout sees it. `current`: it runs the template wanted now, where
    it is wanted. `born` orders replicas by age."""

    name: str
    current: bool
    ready: bool
    born: float
    retiring: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is wanted. `surge`: how many replicas beyond the count a rollout may run."""

    replicas: int
    surge: int = 1
    recreate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Start one replica of the current template."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retire:
    """Unroute, drain, stop and remove this replica. `surplus`: nobody takes its place."""

    name: str
    reason: str
    surplus: bool = False


Step = Create | Retire


def surge_of(replicas: int, share: float = 0.25) -> int:
    """A quarter of the replicas, rounded up, and at least one."""
    return max(1, ceil(replicas * share))


def next_steps(target: Target, replicas: Sequence[Seen]) -> tuple[Step, ...]:
    """What to do now, given what is there; retirements first. Empty: nothing, until
    something changes.

    Never retires a ready replica unless at least min(target.replicas, ready before) ready
    ones stay, except where `recreate` asks for it.
    """
    live = [replica for replica in replicas if not replica.retiring]
    current = [replica for replica in live if replica.current]
    outdated = [replica for replica in live if not replica.current]
    if target.recreate:
        return _replace(target, current, replicas)
    surplus = _surplus(target, current)
    retired = (*surplus, *_outdated(target, live, {step.name for step in surplus}))
    going = {step.name for step in retired}
    staying = sum(replica.name not in going for replica in live)
    missing = target.replicas - sum(replica.name not in going for replica in current)
    room = target.replicas + target.surge - staying
    return (*retired, *_creations(min(missing, room), target, bool(outdated)))


def _replace(target: Target, current: Sequence[Seen], replicas: Sequence[Seen]) -> tuple[Step, ...]:
    outdated = [replica for replica in replicas if not replica.current and not replica.retiring]
    retired = [
        Retire(name=replica.name, reason="has one writer: stopped before its successor starts")
        for replica in outdated
    ]
    retired += _surplus(target, current)
    leaving = bool(retired) or any(replica.retiring for replica in replicas)
    if leaving:
        return tuple(retired)
    return _creations(target.replicas - len(current), target, False)


def _surplus(target: Target, current: Sequence[Seen]) -> list[Retire]:
    beyond = len(current) - target.replicas
    if beyond <= 0:
        return []
    expendable = sorted(current, key=lambda replica: (replica.ready, -replica.born))
    reason = f"{len(current)} replicas run, {target.replicas} are wanted"
    return [
        Retire(name=replica.name, reason=reason, surplus=True) for replica in expendable[:beyond]
    ]


def _outdated(target: Target, live: Sequence[Seen], going: Set[str]) -> list[Retire]:
    serving = sum(replica.ready for replica in live if replica.name not in going)
    outdated = sorted((one for one in live if not one.current), key=lambda one: one.born)
    idle = [one for one in outdated if not one.ready]
    spare = [one for one in outdated if one.ready][: max(0, serving - target.replicas)]
    return [
        *(Retire(name=one.name, reason="runs an old template and is not ready") for one in idle),
        *(Retire(name=one.name, reason="its successor is ready") for one in spare),
    ]


def _creations(count: int, target: Target, rolling: bool) -> tuple[Create, ...]:
    reason = "the template changed" if rolling else f"{target.replicas} are wanted"
    return tuple(Create(reason=reason) for _ in range(max(0, count)))
