"""The replicas of one service, brought from one moment to the next."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from skerry.engines.memory.faults import Fault, fault_of
from skerry.model.keys import ServiceKey
from skerry.model.objects import Manifest, template_hash

BACKOFF: Final = timedelta(seconds=10)
"""Between two tries of a replica that exits."""


@dataclass(slots=True, kw_only=True)
class Replica:
    """One simulated container."""

    name: str
    hash: str
    template: Manifest
    address: str
    started: datetime
    ready_at: datetime
    gone_at: datetime | None = None
    fault: Fault | None = None

    @property
    def draining(self) -> bool:
        """Whether it was told to go."""
        return self.gone_at is not None

    def ready(self, now: datetime) -> bool:
        """Whether it takes traffic."""
        return self.fault is None and not self.draining and self.ready_at <= now

    def restarts(self, now: datetime) -> int:
        """How often it was started again."""
        return 1 + (now - self.started) // BACKOFF if self.fault is Fault.EXITS else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long a replica takes to become ready, and to leave."""

    start: timedelta
    drain: timedelta


@dataclass(slots=True, kw_only=True)
class Replicas:
    """All replicas of one service, its old ones included."""

    service: ServiceKey
    pace: Pace
    here: list[Replica] = field(default_factory=list)
    started: list[Replica] = field(default_factory=list)
    """Those started since somebody last took note."""
    _numbers: Iterable[int] = field(default_factory=lambda: count(1))

    def advance(self, deployment: Manifest | None, *, desired: int, now: datetime) -> None:
        """Everything that is due by now: what drained is gone, what is ready lets an old one
        go, what is missing is started. Without a Deployment, all leave."""
        while True:
            self.here = [each for each in self.here if not each.gone_at or each.gone_at > now]
            if not self._step(deployment, desired=desired, now=now):
                return

    def due(self, now: datetime) -> datetime | None:
        """When something happens next by itself."""
        moments = [each.gone_at for each in self.here if each.gone_at is not None]
        moments += [each.ready_at for each in self.here if each.fault is None]
        return min((moment for moment in moments if moment > now), default=None)

    def _step(self, deployment: Manifest | None, *, desired: int, now: datetime) -> bool:
        """One change, and whether there was one."""
        staying = [each for each in self.here if not each.draining]
        if deployment is None:
            return self._leave(staying[:1], now)
        wanted = template_hash(deployment)
        old = [each for each in staying if each.hash != wanted]
        current = [each for each in staying if each.hash == wanted]
        if len(current) > desired:
            return self._leave(current[-1:], now)
        if deployment["spec"]["strategy"]["type"] == "Recreate":
            if any(each.draining or each.hash != wanted for each in self.here):
                return self._leave(old[:1], now)
        elif old and (leaver := _spare(old, staying, desired=desired, now=now)):
            return self._leave([leaver], now)
        surge = 1 if old else 0
        if len(current) < desired and len(staying) < desired + surge:
            self._start(deployment, wanted, now)
            return True
        return False

    def _leave(self, leaving: list[Replica], now: datetime) -> bool:
        for each in leaving:
            each.gone_at = now + self.pace.drain
        return bool(leaving)

    def _start(self, deployment: Manifest, wanted: str, now: datetime) -> None:
        number = next(iter(self._numbers))
        template = deployment["spec"]["template"]
        replica = Replica(
            name=f"{self.service.name}-{wanted[:6]}-{number}",
            hash=wanted,
            template=template,
            address=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            started=now,
            ready_at=now + self.pace.start,
            fault=fault_of(template["spec"]["containers"][0]["image"]),
        )
        self.here.append(replica)
        self.started.append(replica)


def _spare(
    old: list[Replica], staying: list[Replica], *, desired: int, now: datetime
) -> Replica | None:
    """An old replica that can go without fewer than `desired` taking traffic."""
    useless = next((each for each in old if not each.ready(now)), None)
    if useless is not None:
        return useless
    ready = sum(each.ready(now) for each in staying)
    return old[0] if ready > desired else None
