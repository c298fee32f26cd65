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
    """Which services to look at: exactly `services`; or the tenants of `stack`; or, with
    neither, all."""

    services: frozenset[ServiceKey] | None = None
    stack: str | None = None

    def holds(self, service: ServiceKey, *, stack: str | None = None) -> bool:
        """Whether the service, a tenant of that stack if any, is in scope."""
        if self.services is not None:
            return service in self.services
        return self.stack is None or self.stack == stack


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
    `events` are Kubernetes Events about the objects in scope, newest last, where an engine has
    them. `releases` holds each service's newest. `problems` are troubles of the whole cell, a
    sentence each (the container engine does not answer, say): what is shown is the last seen.
    """

    cell: str
    at: datetime
    objects: tuple[Manifest, ...]
    pods: tuple[Manifest, ...] = ()
    events: tuple[Manifest, ...] = ()
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
    hopeless: bool = False  # no replica can come without a change, whatever those there say

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


class Trouble(StrEnum):
    """What a look at every object can find."""

    ORPHAN = "orphan"  # Skerry's by its labels, and no service wants it
    MISSING = "missing"  # wanted, and not there
    DRIFT = "drift"  # there, and not as it was applied
    FOREIGN = "foreign"  # a field Skerry set is somebody else's now
    INDEX = "index"  # the index said something else than the objects; it is put right


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be, with what it is in a sentence."""

    trouble: Trouble
    key: ObjectKey
    service: ServiceKey | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CellReport:
    """A cell at a glance. `version` is the engine's (`Kubernetes 1.36.2`, `Podman 4.3.1`);
    capacity is what its machines offer, `None` where the engine cannot tell."""

    cell: str
    version: str
    services: int
    machines: int | None = None
    cpu_millicores: int | None = None
    memory_bytes: int | None = None
    pods: int | None = None
    problems: tuple[str, ...] = ()
