"""One replica as the engine holds it in memory, and the little of it that is remembered."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Any

from skerry.engines.local.crashes import Crashes, crashes_from_fact, crashes_to_fact
from skerry.engines.local.rollout import Seen
from skerry.engines.local.workload import Care
from skerry.model.keys import ServiceKey
from skerry.model.proxy import Address


class Phase(StrEnum):
    """Where a replica is in its life."""

    WAITING = "waiting"  # to be created, or to be started again
    RUNNING = "running"
    LOST = "lost"  # its container was taken away by somebody else
    STOPPED = "stopped"  # by us, to be removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a container ended. `reason` as in Kubernetes: OOMKilled, Error, Completed, or
    Unhealthy when it was stopped for failing its checks."""

    exit_code: int
    reason: str
    message: str
    started: datetime | None
    finished: datetime


@dataclass(slots=True, kw_only=True)
class Replica:
    """A replica, known by its pod name. Only its pilot and its retirement change it."""

    pod: str
    service: ServiceKey
    hash: str
    care: Care
    container: str
    born: datetime
    ip: IPv4Address | None = None
    address: Address | None = None
    misplaced: bool = False
    phase: Phase = Phase.WAITING
    reason: str = "ContainerCreating"
    message: str = ""
    ready: bool = False
    turned: datetime | None = None
    probe_said: str = ""
    started: datetime | None = None
    crashes: Crashes = field(default_factory=Crashes)
    last: Ended | None = None
    retiring: datetime | None = None
    retiring_reason: str = ""
    surplus: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def seen(self, wanted_hash: str) -> Seen:
        """As the rollout sees it."""
        return Seen(
            name=self.pod,
            current=self.hash == wanted_hash and not self.misplaced,
            ready=self.ready,
            born=self.born.timestamp(),
            retiring=self.retiring is not None,
        )

    def turn(self, ready: bool, now: datetime) -> None:
        """Note that it became ready, or is no more."""
        if ready != self.ready:
            self.ready, self.turned = ready, now

    @property
    def routed(self) -> bool:
        """Whether the gateway is to send it traffic."""
        return self.ready and self.retiring is None and self.address is not None


def replica_to_fact(replica: Replica) -> dict[str, Any]:
    """What must outlive the server: no value of the container's environment."""
    last = replica.last
    return {
        "ready": replica.ready,
        "retiring": replica.retiring is not None,
        "crashes": crashes_to_fact(replica.crashes),
        "last": last
        and {
            "exit_code": last.exit_code,
            "reason": last.reason,
            "finished": last.finished.isoformat(),
        },
    }


def recall(replica: Replica, fact: Mapping[str, Any], now: datetime) -> None:
    """Give a replica back what was remembered of it."""
    replica.ready = bool(fact.get("ready"))
    replica.turned = now if replica.ready else None
    replica.retiring = now if fact.get("retiring") else None
    replica.crashes = crashes_from_fact(fact.get("crashes") or {})
    if last := fact.get("last"):
        replica.last = Ended(
            exit_code=int(last["exit_code"]),
            reason=str(last["reason"]),
            message="",
            started=None,
            finished=datetime.fromisoformat(last["finished"]),
        )
