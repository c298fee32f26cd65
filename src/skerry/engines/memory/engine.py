"""The engine itself: objects, overrides and releases in dictionaries."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from skerry.engines.memory.faults import LAST_LINES, Fault
from skerry.engines.memory.memory import Memory
from skerry.engines.memory.pods import pod
from skerry.engines.memory.replicas import Pace, Replica, Replicas
from skerry.engines.memory.shell import MemorySession
from skerry.engines.memory.tunnel import MemoryTunnel
from skerry.errors import Conflict, NotFound
from skerry.loops import Tasks
from skerry.model.cell import Cell
from skerry.model.change import Change, Did, Outcome, Release
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import (
    INPUTS,
    RESTARTED_AT,
    STACK,
    Manifest,
    annotation,
    data_of,
    key_of,
    owner_of,
)
from skerry.model.process import LogLine, LogQuery, Stream
from skerry.model.world import EVERYTHING, CellReport, Observation, Override, Scope
from skerry.ports import Clock, Session, Tunnel

HEARTBEAT: Final = 10.0
"""Seconds after which a watch speaks again, though nothing changed."""
_LINES_KEPT: Final = 1000


class MemoryEngine(Memory):
    """A cell without containers. `start_seconds` until a new replica is ready,
    `drain_seconds` until an old one is gone."""

    def __init__(
        self, cell: Cell, clock: Clock, *, start_seconds: float = 0.0, drain_seconds: float = 0.0
    ) -> None:
        super().__init__(cell.cell)
        self._cell = cell
        self._clock = clock
        self._pace = Pace(
            start=timedelta(seconds=start_seconds), drain=timedelta(seconds=drain_seconds)
        )
        self._objects: dict[ObjectKey, Manifest] = {}
        self._owned: dict[ServiceKey, set[ObjectKey]] = {}
        self._index: dict[ServiceKey, str] = {}
        self._replicas: dict[ServiceKey, Replicas] = {}
        self._overrides: dict[ServiceKey, Override] = {}
        self._lines: dict[ServiceKey, deque[LogLine]] = {}
        self._jobs: set[str] = set()
        self._waiting: set[asyncio.Event] = set()

    @property
    def cell(self) -> Cell:
        """The cell this engine runs."""
        return self._cell

    @property
    def jobs(self) -> frozenset[str]:
        """The one-off containers there are now."""
        return frozenset(self._jobs)

    def plant(self, manifest: Manifest) -> None:
        """Somebody else's object, put there behind Skerry's back."""
        self._put(manifest)

    def spoil(self, service: ServiceKey, fault: Fault) -> None:
        """Its replicas, ready until now, have this fault from now on."""
        for each in self._replicas[service].here:
            each.fault = fault
        self._ring()

    def object(self, key: ObjectKey) -> Manifest | None:
        """One object as it is, whoever owns it."""
        return self._objects.get(key)

    def limits(self, objects: Sequence[Manifest]) -> tuple[str, ...]:
        """Nothing is impossible where nothing is real."""
        return ()

    async def index(self) -> Mapping[ServiceKey, str]:
        """The inputs digest of every service."""
        return dict(self._index)

    async def inventory(self, scope: Scope = EVERYTHING) -> Observation:
        """The objects in scope as they were applied."""
        services = self._in_scope(scope)
        keys = [key for each in services for key in self._owned.get(each, ())]
        return Observation(
            cell=self._cell.cell,
            at=self._clock.now(),
            objects=tuple(self._objects[key] for key in keys),
            releases={service: newest for service in services if (newest := self.newest(service))},
        )

    async def observe(self, scope: Scope = EVERYTHING) -> Observation:
        """One look; brings what is in scope up to now."""
        now = self._clock.now()
        services = self._in_scope(scope)
        objects: list[Manifest] = []
        pods: list[Manifest] = []
        for service in services:
            replicas = self._bring_up(service, now)
            objects += (self._shown(key, replicas, now) for key in self._owned.get(service, ()))
            if replicas is not None:
                pods += (pod(each, namespace=service.namespace, now=now) for each in replicas.here)
        return Observation(
            cell=self._cell.cell,
            at=now,
            objects=tuple(objects),
            pods=tuple(pods),
            releases={service: newest for service in services if (newest := self.newest(service))},
            overrides={
                service: self._overrides[service]
                for service in services
                if service in self._overrides
            },
        )

    async def watch(self, scope: Scope = EVERYTHING) -> AsyncIterator[Observation]:
        """Now, and after each change."""
        tasks = Tasks()
        bell = asyncio.Event()
        self._waiting.add(bell)
        try:
            while True:
                bell.clear()
                yield await self.observe(scope)
                sleep = tasks.spawn(self._clock.sleep(self._pause(scope)), name="memory watch")
                rung = tasks.spawn(bell.wait(), name="memory watch bell")
                await asyncio.wait((sleep, rung), return_when=asyncio.FIRST_COMPLETED)
                await tasks.close()
        finally:
            self._waiting.discard(bell)
            await tasks.close()

    async def apply(self, change: Change, *, take_over: bool = False) -> tuple[Outcome, ...]:
        """All of it or nothing. Raises Conflict at anything Skerry does not own."""
        for manifest in change.apply:
            self._check(key_of(manifest), owner_of(manifest))
        for key in change.delete:
            self._check(key, change.service)
        outcomes = [Outcome(key=key_of(each), did=self._put(each)) for each in change.apply]
        for key in change.delete:
            if self._drop(key):
                outcomes.append(Outcome(key=key, did=Did.DELETED))
        self._ring()
        return tuple(outcomes)

    async def delete(self, service: ServiceKey, *, volumes: bool) -> tuple[Outcome, ...]:
        """Unwant all of a service."""
        owned = sorted(self._owned.get(service, ()))
        stays = () if volumes else data_of(owned)
        going = [key for key in owned if key not in stays]
        for key in going:
            self._drop(key)
        self._overrides.pop(service, None)
        self._ring()
        return tuple(Outcome(key=key, did=Did.DELETED) for key in going)

    async def scale(self, service: ServiceKey, override: Override | None) -> None:
        """Set the count by hand, or give it back."""
        self._deployment(service)
        self._overrides.pop(service, None)
        if override is not None:
            self._overrides[service] = override
        self._ring()

    async def restart(self, service: ServiceKey) -> None:
        """Roll every replica: a new annotation on the pod template does."""
        deployment = self._deployment(service)
        self._put(_restarted(deployment, self._clock.now().isoformat()))
        self._ring()

    async def logs(self, service: ServiceKey, query: LogQuery) -> AsyncIterator[LogLine]:
        """What its replicas said, and with `follow` what they say."""
        self._deployment(service)
        seen = 0
        async for _ in self.watch(Scope(services=frozenset({service}))):
            lines = [line for line in self._lines.get(service, ()) if _asked(line, query)]
            first = len(lines) - query.tail if query.tail is not None and not seen else seen
            for line in lines[max(0, first) :]:
                yield line
            seen = len(lines)
            if not query.follow:
                return

    async def exec(
        self, service: ServiceKey, command: Sequence[str], *, tty: bool, replica: str | None = None
    ) -> Session:
        """A simulated command in a replica that runs."""
        deployment = self._running(service, replica)
        return MemorySession(command, _environment(deployment), on_end=_nothing)

    async def run(
        self, job: Manifest, *, tty: bool = False, beside: Sequence[Manifest] = ()
    ) -> Session:
        """A simulated one-off; it is gone when it ends."""
        name = str(job["metadata"]["name"])
        self._jobs.add(name)
        container = job["spec"]["template"]["spec"]["containers"][0]
        command = container.get("args") or ["sleep"]
        return MemorySession(command, _environment(job), on_end=lambda: self._jobs.discard(name))

    async def forward(
        self, service: ServiceKey, port: int | None, *, replica: str | None = None
    ) -> Tunnel:
        """A simulated replica says back what it is told."""
        self._running(service, replica)
        return MemoryTunnel()

    async def record(self, *releases: Release) -> None:
        """Write releases, or their verdicts."""
        await super().record(*releases)
        self._ring()

    async def report(self) -> CellReport:
        """The cell at a glance."""
        services = len(self._index)
        return CellReport(cell=self._cell.cell, version="memory", services=services)

    def _in_scope(self, scope: Scope) -> list[ServiceKey]:
        if scope.services is not None:
            return sorted(scope.services)
        known = sorted({*self._owned, *self._replicas})
        return [each for each in known if scope.holds(each, stack=self._stack_of(each))]

    def _stack_of(self, service: ServiceKey) -> str | None:
        for key in self._owned.get(service, ()):
            return (self._objects[key]["metadata"].get("labels") or {}).get(STACK)
        return None

    def _deployment(self, service: ServiceKey) -> Manifest:
        found = self._objects.get(_workload(service))
        if found is None or owner_of(found) is None:
            raise NotFound("is not here", subject=service.at(self._cell.cell), hint="skerry status")
        return found

    def _running(self, service: ServiceKey, replica: str | None) -> Manifest:
        """Its Deployment. Raises NotFound, or Conflict when no replica runs."""
        deployment = self._deployment(service)
        replicas = self._bring_up(service, self._clock.now())
        running = [each for each in replicas.here if _runs(each)] if replicas else []
        if replica is not None:
            running = [each for each in running if each.name == replica]
            if not running:
                raise NotFound(f"has no replica {replica}", subject=service.at(self._cell.cell))
        if not running:
            raise Conflict("no replica runs", subject=service.at(self._cell.cell))
        return deployment

    def _check(self, key: ObjectKey, owner: ServiceKey | None) -> None:
        there = self._objects.get(key)
        if owner is None or (there is not None and owner_of(there) is None):
            raise Conflict(
                "is not Skerry's to touch",
                subject=f"{key}@{self._cell.cell}",
                hint="rename the service, or remove the object by hand",
            )

    def _put(self, manifest: Manifest) -> Did:
        key = key_of(manifest)
        there = self._objects.get(key)
        if there is not None and key.kind == "Deployment":
            manifest = _still_restarted(manifest, there)
        if there == manifest:
            return Did.UNCHANGED
        self._drop(key)
        self._objects[key] = manifest
        owner = owner_of(manifest)
        if owner is not None:
            self._owned.setdefault(owner, set()).add(key)
            if key.kind == "Deployment":
                self._index[owner] = annotation(manifest, INPUTS) or ""
        return Did.CREATED if there is None else Did.CONFIGURED

    def _drop(self, key: ObjectKey) -> bool:
        there = self._objects.pop(key, None)
        if there is None:
            return False
        owner = owner_of(there)
        if owner is not None:
            left = self._owned[owner]
            left.discard(key)
            if not left:
                del self._owned[owner]
            if key.kind == "Deployment":
                self._replicas.setdefault(owner, Replicas(service=owner, pace=self._pace))
                self._index.pop(owner, None)
        return True

    def _bring_up(self, service: ServiceKey, now: datetime) -> Replicas | None:
        deployment = self._objects.get(_workload(service))
        if deployment is None and service not in self._replicas:
            return None
        replicas = self._replicas.setdefault(service, Replicas(service=service, pace=self._pace))
        desired = self._desired(service, deployment, now) if deployment is not None else 0
        replicas.advance(deployment, desired=desired, now=now)
        for each in replicas.started:
            self._write_lines(service, each)
        replicas.started.clear()
        if deployment is None and not replicas.here:
            del self._replicas[service]
        return replicas

    def _desired(self, service: ServiceKey, deployment: Manifest, now: datetime) -> int:
        override = self._overrides.get(service)
        if override is not None and override.until is not None and override.until <= now:
            del self._overrides[service]
            override = None
        if override is not None:
            return override.replicas
        autoscaler = self._objects.get(
            ObjectKey("HorizontalPodAutoscaler", service.namespace, service.name)
        )
        if autoscaler is not None:
            return int(autoscaler["spec"]["minReplicas"])
        return int(deployment["spec"].get("replicas", 1))

    def _shown(self, key: ObjectKey, replicas: Replicas | None, now: datetime) -> Manifest:
        manifest = self._objects[key]
        if key.kind != "Deployment" or replicas is None:
            return manifest
        ready = sum(each.ready(now) for each in replicas.here)
        return {**manifest, "status": {"replicas": len(replicas.here), "readyReplicas": ready}}

    def _write_lines(self, service: ServiceKey, replica: Replica) -> None:
        kept = self._lines.setdefault(service, deque(maxlen=_LINES_KEPT))
        said = LAST_LINES if replica.fault is Fault.EXITS else (f"{replica.name} listens",)
        for text in said if replica.fault is not Fault.MISSING else ():
            kept.append(
                LogLine(at=replica.started, replica=replica.name, stream=Stream.STDOUT, text=text)
            )

    def _pause(self, scope: Scope) -> float:
        """Seconds until something in scope happens by itself, at most the heartbeat."""
        now = self._clock.now()
        dues = [
            self._replicas[service].due(now)
            for service in self._in_scope(scope)
            if service in self._replicas
        ]
        dues += [each.until for each in self._overrides.values()]
        soonest = min((due for due in dues if due is not None), default=None)
        if soonest is None:
            return HEARTBEAT
        return min(HEARTBEAT, max(0.001, (soonest - now).total_seconds()))

    def _ring(self) -> None:
        for bell in self._waiting:
            bell.set()


def _workload(service: ServiceKey) -> ObjectKey:
    return ObjectKey("Deployment", service.namespace, service.name)


def _restarted(deployment: Manifest, at: str) -> Manifest:
    spec = deployment["spec"]
    template = spec["template"]
    metadata = template["metadata"]
    annotations = {**metadata.get("annotations", {}), RESTARTED_AT: at}
    marked = {**template, "metadata": {**metadata, "annotations": annotations}}
    return {**deployment, "spec": {**spec, "template": marked}}


def _still_restarted(manifest: Manifest, there: Manifest) -> Manifest:
    """A restart is no part of any release, and must not be undone by the next one."""
    marks = there["spec"]["template"]["metadata"].get("annotations", {})
    own = manifest["spec"]["template"]["metadata"].get("annotations", {})
    if RESTARTED_AT not in marks or RESTARTED_AT in own:
        return manifest
    return _restarted(manifest, marks[RESTARTED_AT])


def _environment(workload: Manifest) -> dict[str, str]:
    container = workload["spec"]["template"]["spec"]["containers"][0]
    return {each["name"]: each["value"] for each in container.get("env", ()) if "value" in each}


def _asked(line: LogLine, query: LogQuery) -> bool:
    if query.replica is not None and line.replica != query.replica:
        return False
    return query.since is None or line.at >= query.since


def _runs(replica: Replica) -> bool:
    return replica.fault in {None, Fault.NEVER_READY} and not replica.draining


def _nothing() -> None:
    """An exec leaves nothing behind to clean up."""
