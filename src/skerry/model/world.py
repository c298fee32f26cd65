"""What a cell runs: raw as observed, and as the observer understands it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from skerry.model.change import Hold, Release
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which services to look at: all when `services` is None, else exactly these."""

    services: frozenset[ServiceKey] | None = None

    def holds(self, service: ServiceKey) -> bool:
        """Whether the service is in scope."""
        return self.services is None or service in self.services


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A count of replicas set by hand, which wins over the document until it expires."""

    replicas: int
    by: str
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One look at a cell, everything from the same moment, Kubernetes-shaped on every engine.

    `objects` are those Skerry owns, with `status` where the kind has one.
    `pods` are the replicas: `status.phase`, `status.podIP`, `status.startTime`,
    `status.conditions` (Ready), `status.containerStatuses[0]` with `ready`,
    `restartCount`, `state` and `lastState` as in Kubernetes (waiting reasons
    `CrashLoopBackOff`, `ErrImagePull`, `CreateContainerError`; `terminated` with
    `exitCode`, `reason` such as OOMKilled, and `message`, the last lines said).
    `metadata.labels["pod-template-hash"]` ties a pod to its template;
    `metadata.deletionTimestamp` says it is draining.
    `releases` holds each service's newest. `problems` are troubles of the whole cell, a
    sentence each (the container engine does not answer, say): what is shown is the last seen.
    """

    cell: str
    at: datetime
    objects: tuple[Manifest, ...]
    pods: tuple[Manifest, ...] = ()
    releases: Mapping[ServiceKey, Release] = field(default_factory=dict)
    overrides: Mapping[ServiceKey, Override] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


class State(StrEnum):
    """A service, in a word."""

    RUNNING = "running"  # every replica wanted is ready, on the release wanted
    DEPLOYING = "deploying"  # on its way there
    DEGRADED = "degraded"  # takes traffic with fewer replicas than wanted
    DOWN = "down"  # wanted, and not one replica is ready
    COOLDOWN = "cooldown"  # crashed too often, waits before the next try
    STOPPED = "stopped"  # scaled to nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaState:
    """One replica, and why it is as it is."""

    name: str
    ready: bool
    reason: str
    address: str | None = None
    release: int | None = None
    restarts: int = 0
    since: datetime | None = None
    draining: bool = False
    updated: bool = True  # runs the template that is wanted now
    failed: bool = False  # will not become ready without a change
    last_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """One service in one cell, with its one-sentence reason."""

    name: str
    namespace: str
    state: State
    reason: str
    ready: int
    desired: int
    release: int | None
    image: str
    url: str | None
    since: datetime | None = None
    hold: Hold | None = None
    override: Override | None = None
    replicas: tuple[ReplicaState, ...] = ()

    @property
    def key(self) -> ServiceKey:
        """Its identity within the cell."""
        return ServiceKey(self.namespace, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a cell runs now, understood."""

    cell: str
    at: datetime
    objects: Mapping[ObjectKey, Manifest]
    services: Mapping[ServiceKey, ServiceState]
    inputs: Mapping[ServiceKey, str]
    releases: Mapping[ServiceKey, Release] = field(default_factory=dict)
