"""The local engine: Kubernetes-shaped objects, run on this machine's container engine."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from skerry.engines.local.addressbook import AddressBook
from skerry.engines.local.addresses import USUAL, Ranges
from skerry.engines.local.adoption import adopt, clear_away
from skerry.engines.local.api import ApiError, ContainerApi
from skerry.engines.local.containers import Settings, volume_name
from skerry.engines.local.crew import Crew
from skerry.engines.local.demolition import demolish
from skerry.engines.local.events import Ears, Revive, nothing_to_revive, revived
from skerry.engines.local.host import Reach
from skerry.engines.local.images import Images
from skerry.engines.local.jobs import run_job
from skerry.engines.local.limits import limits_of
from skerry.engines.local.logs import read_logs
from skerry.engines.local.machine import LinuxMachine, Machine
from skerry.engines.local.networks import Networks
from skerry.engines.local.observation import pod, with_status
from skerry.engines.local.records import Records
from skerry.engines.local.replica import Replica
from skerry.engines.local.restarts import restart_mark, restarted
from skerry.engines.local.router import Router
from skerry.engines.local.runtime import Found, Runtime
from skerry.engines.local.serving import config_of
from skerry.engines.local.sessions import exec_session
from skerry.engines.local.state import CellState
from skerry.engines.local.supervisor import Supervisor
from skerry.engines.local.tidying import clear_networks, clear_volumes
from skerry.engines.local.tunnels import choose, open_tunnel
from skerry.engines.local.workload import read_workload
from skerry.errors import Conflict, EngineUnavailable, NotFound
from skerry.model.cell import Cell
from skerry.model.change import Change, Did, Outcome
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import INPUTS, Manifest, annotation, data_of, key_of, owner_of
from skerry.model.process import LogLine, LogQuery
from skerry.model.proxy import ProxyConfig
from skerry.model.world import EVERYTHING, Observation, Override, Scope
from skerry.ports import Clock, Gateway, ObjectStore, Secrets, Session, Tunnel

_HEARTBEAT_SECONDS: Final = 10.0
# Several changes become one observation.
_TOGETHER_SECONDS: Final = 0.01
_RETRY_SECONDS: Final = 1.0
_FIRST_PROGRAM_SECONDS: Final = 5.0
# Calls to the container engine that were begun are let finish for so long.
_LANDING_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a local engine is made of. `instance` marks everything it makes on the machine;
    `ulimits` are what its containers may be given, `revive` starts the container engine again
    when it is one of ours and died (both: see `host.find_engine`)."""

    cell: Cell
    instance: str
    api: ContainerApi
    store: ObjectStore
    gateway: Gateway
    secrets: Secrets
    clock: Clock
    machine: Machine = field(default_factory=LinuxMachine)
    reach: Reach = Reach.ROUTED
    ranges: Ranges = USUAL
    ulimits: Mapping[str, int] = field(default_factory=dict)
    json_logs: bool = False
    revive: Revive = nothing_to_revive


class LocalEngine(Records):
    """Implements ports.Engine. `start` first; `close` leaves everything running."""

    def __init__(self, parts: Parts) -> None:
        self.images = Images(parts.api)
        self._parts = parts
        self._state = CellState(parts.store)
        super().__init__(parts.cell.cell, self._state, parts.api)
        routed = parts.reach is Reach.ROUTED
        router = Router(
            parts.gateway,
            self._config,
            clock=parts.clock,
            say=lambda said: self._state.say("gateway", said),
            served=self._state.serve,
        )
        book = AddressBook(
            parts.store, parts.machine, stable=routed, ranges=parts.ranges, changed=router.changed
        )
        self._crew = Crew(
            state=self._state,
            runtime=Runtime(parts.api, parts.instance),
            networks=Networks(
                parts.api, book, machine=parts.machine, instance=parts.instance, routed=routed
            ),
            images=self.images,
            book=book,
            gateway=parts.gateway,
            router=router,
            secrets=parts.secrets,
            clock=parts.clock,
            settings=Settings(
                instance=parts.instance, ulimits=parts.ulimits, json_logs=parts.json_logs
            ),
            machine=parts.machine,
            routed=routed,
            wake=self._wake,
        )
        self._supervisors: dict[ServiceKey, Supervisor] = {}
        self._adopted = asyncio.Event()

    @property
    def cell(self) -> Cell:
        """The cell this engine runs."""
        return self._parts.cell

    async def start(self) -> None:
        """Remember, adopt what runs, and converge from there. Returns at once when the
        container engine does not answer; it is asked again until it does. Raises Refused
        when the machine has no addresses to give."""
        await self._state.load()
        await self._crew.book.open()
        if not await self._adopt():
            self._crew.tasks.spawn(self._adopt_later(), name="adoption")

    async def close(self) -> None:
        """Stop looking after the cell; containers and gateway go on serving."""
        await self._crew.tasks.close()
        if self._crew.steps:
            await asyncio.wait(self._crew.steps, timeout=_LANDING_SECONDS)

    async def destroy(self, *, volumes: bool) -> None:
        """Remove every container, network and route of this instance, and its volumes if
        told to. The objects wanted stay in the store. Raises EngineUnavailable."""
        await self.close()
        await demolish(self._crew, volumes=volumes)

    # Looking

    def limits(self, objects: Sequence[Manifest]) -> tuple[str, ...]:
        """What of these objects this engine cannot do, a sentence each."""
        return limits_of(objects, routed=self._crew.routed)

    async def index(self) -> Mapping[ServiceKey, str]:
        """The inputs digest of every service here."""
        return {
            service: annotation(manifest, INPUTS) or ""
            for service, manifest in self._state.deployments().items()
        }

    async def inventory(self, scope: Scope = EVERYTHING) -> Observation:
        """The objects in scope as they are kept."""
        state = self._state
        owned = (manifest for one in state.within(scope) for manifest in state.owned(one))
        return Observation(
            cell=self.cell.cell,
            at=self._parts.clock.now(),
            objects=tuple(owned),
            releases={key: one for key, one in state.newest.items() if state.holds(scope, key)},
        )

    async def observe(self, scope: Scope = EVERYTHING) -> Observation:
        """One look at everything in scope."""
        state = self._state
        holds = partial(state.holds, scope)
        owned = (manifest for one in state.within(scope) for manifest in state.owned(one))
        replicas = sorted(state.replicas.values(), key=lambda one: (one.service, one.pod))
        return Observation(
            cell=self.cell.cell,
            at=self._parts.clock.now(),
            objects=tuple(self._seen(manifest) for manifest in owned),
            pods=tuple(pod(one, state.served) for one in replicas if holds(one.service)),
            releases={key: one for key, one in state.newest.items() if holds(key)},
            overrides={key: one for key, one in state.overrides.items() if holds(key)},
            problems=tuple(state.problems[topic] for topic in sorted(state.problems)),
        )

    async def watch(self, scope: Scope = EVERYTHING) -> AsyncIterator[Observation]:
        """An observation now, and another after each change; at least one every ten seconds."""
        with self._state.watching(scope) as watcher:
            while True:
                watcher.changed.clear()
                yield await self.observe(scope)
                await self._parts.clock.sleep(_TOGETHER_SECONDS)
                try:
                    async with asyncio.timeout(_HEARTBEAT_SECONDS):
                        await watcher.changed.wait()
                except TimeoutError:
                    pass

    # Changing

    async def apply(self, change: Change, *, take_over: bool = False) -> tuple[Outcome, ...]:
        """Make these objects wanted and the deleted ones not, as one step."""
        for manifest in change.apply:
            self._must_own(key_of(manifest), manifest, change.service)
        for key in change.delete:
            self._must_own(key, self._state.objects.get(key), change.service)
        wanted = [self._wanted(manifest) for manifest in change.apply]
        outcomes = [self._outcome(manifest) for manifest in wanted]
        gone = [key for key in change.delete if key in self._state.objects]
        puts = [
            manifest
            for manifest, outcome in zip(wanted, outcomes, strict=True)
            if outcome.did is not Did.UNCHANGED
        ]
        if puts or gone:
            await self._state.write(puts, gone)
        self._changed({change.service, *(key for key in map(owner_of, puts) if key)})
        return (*outcomes, *(Outcome(key=key, did=Did.DELETED) for key in gone))

    async def delete(self, service: ServiceKey, *, volumes: bool) -> tuple[Outcome, ...]:
        """Unwant all of a service. Its volumes stay unless told otherwise."""
        owned = self._state.owned(service)
        stays = () if volumes else data_of(map(key_of, owned))
        going = [key for key in map(key_of, owned) if key not in stays]
        if volumes:
            for key in going:
                if key.kind == "PersistentVolumeClaim":
                    name = volume_name(self._crew.settings, key.namespace, key.name)
                    await self._state.doom(name, service)
        if going:
            await self._state.write((), going)
        await self._state.override(service, None)
        self._changed({service})
        return tuple(Outcome(key=key, did=Did.DELETED) for key in going)

    async def scale(self, service: ServiceKey, override: Override | None) -> None:
        """Set the count of replicas by hand, or give it back. Raises NotFound."""
        self._deployment(service)
        await self._state.override(service, override)
        self._changed({service})

    async def restart(self, service: ServiceKey) -> None:
        """Roll every replica without changing the release. Raises NotFound."""
        deployment = self._deployment(service)
        rolled = restarted(deployment, self._parts.clock.now().isoformat())
        await self._state.write([rolled], ())
        self._changed({service})

    # Processes

    async def logs(self, service: ServiceKey, query: LogQuery) -> AsyncIterator[LogLine]:
        """Lines of all its replicas, merged by time. Raises NotFound."""
        self._deployment(service)
        if query.replica is not None and query.replica not in self._state.replicas:
            raise NotFound(f"has no replica {query.replica}", subject=self._subject(service))
        async for line in read_logs(service, query, self._crew):
            yield line

    async def exec(
        self, service: ServiceKey, command: Sequence[str], *, tty: bool, replica: str | None = None
    ) -> Session:
        """A command inside a running replica. Raises NotFound, or Conflict when none runs."""
        chosen = self._running(service, replica)
        try:
            return await exec_session(
                self._parts.api,
                chosen.container,
                command,
                tty=tty,
                sleep=self._parts.clock.sleep,
            )
        except ApiError as error:
            raise Conflict(error.message, subject=f"replica/{chosen.pod}") from error

    async def forward(
        self, service: ServiceKey, port: int | None, *, replica: str | None = None
    ) -> Tunnel:
        """A byte stream to a port of a running replica. Raises NotFound, Conflict."""
        chosen = self._running(service, replica)
        return await open_tunnel(chosen, port, routed=self._crew.routed)

    async def run(
        self, job: Manifest, *, tty: bool = False, beside: Sequence[Manifest] = ()
    ) -> Session:
        """A one-off container from a Job manifest; removed when the session is closed."""
        return await run_job(job, self._crew, tty=tty, beside=beside)

    # Inside

    async def _adopt(self) -> bool:
        try:
            adopted = await adopt(self._crew)
        except (EngineUnavailable, ApiError) as error:
            self._state.say("engine", str(error))
            return False
        self._state.say("engine", "")
        for replica in adopted:
            self._supervisor(replica.service).adopt(replica)
        self._adopted.set()
        crew = self._crew
        crew.tasks.spawn(crew.router.run(), name="router")
        crew.tasks.spawn(
            Ears(crew, strays=self._stray, revive=self._parts.revive).run(), name="events"
        )
        try:
            async with asyncio.timeout(_FIRST_PROGRAM_SECONDS):
                await crew.router.settled()
        except TimeoutError:
            pass  # the router goes on, and says what it waits for
        left_over = {one.service for one in adopted} | set(self._state.deployments())
        self._changed(left_over)
        await self._tidy()
        return True

    async def _adopt_later(self) -> None:
        while not await self._adopt():
            await revived(self._parts.revive)
            await self._parts.clock.sleep(_RETRY_SECONDS)

    def _config(self) -> ProxyConfig:
        return config_of(self._state, self._crew.book.book)

    def _changed(self, services: set[ServiceKey]) -> None:
        self._crew.router.changed()
        for service in services:
            if self._adopted.is_set():
                self._supervisor(service).retire_surplus()
            self._state.touch(service)
            self._wake(service)

    def _wake(self, service: ServiceKey) -> None:
        if self._adopted.is_set():
            self._supervisor(service).wake()

    def _supervisor(self, service: ServiceKey) -> Supervisor:
        supervisor = self._supervisors.get(service)
        if supervisor is None:
            supervisor = self._supervisors[service] = Supervisor(service, self._crew)
            self._crew.tasks.spawn(self._supervise(supervisor), name=f"supervisor of {service}")
        return supervisor

    async def _supervise(self, supervisor: Supervisor) -> None:
        await supervisor.run()
        service = supervisor.service
        del self._supervisors[service]
        self._crew.router.changed()
        if not self._state.owned(service):
            await self._crew.book.forget(service)
        await self._tidy()

    async def _tidy(self) -> None:
        await clear_volumes(self._crew)
        busy = {service.namespace for service in self._supervisors}
        await clear_networks(self._crew, busy)

    async def _stray(self, found: Found) -> None:
        if found.name not in self._crew.jobs:
            await clear_away(found, self._crew)

    def _seen(self, manifest: Manifest) -> Manifest:
        service = owner_of(manifest)
        if service is None or manifest["kind"] != "Deployment":
            return manifest
        workload = read_workload(manifest, self._state.objects)
        override = self._state.overrides.get(service)
        wanted = override.replicas if override else workload.replicas if workload else 0
        return with_status(
            manifest, self._state.of(service), wanted=wanted, served=self._state.served
        )

    def _must_own(self, key: ObjectKey, given: Manifest | None, service: ServiceKey) -> None:
        for manifest in (given, self._state.objects.get(key)):
            owner = owner_of(manifest) if manifest is not None else service
            if owner != service:
                whose = f"belongs to service {owner}" if owner else "is not Skerry's"
                raise Conflict(f"{whose}, not to {service}", subject=f"{key}@{self.cell.cell}")

    def _wanted(self, manifest: Manifest) -> Manifest:
        """As it is kept: without its status, with the mark of a restart since."""
        kept = {part: value for part, value in manifest.items() if part != "status"}
        there = self._state.objects.get(key_of(manifest))
        mark = there and restart_mark(there)
        return restarted(kept, mark) if mark and not restart_mark(kept) else kept

    def _outcome(self, manifest: Manifest) -> Outcome:
        there = self._state.objects.get(key_of(manifest))
        did = Did.UNCHANGED if there == manifest else Did.CONFIGURED if there else Did.CREATED
        return Outcome(key=key_of(manifest), did=did)

    def _deployment(self, service: ServiceKey) -> Manifest:
        deployment = self._state.deployment(service)
        if deployment is None:
            raise NotFound("is not there", subject=self._subject(service), hint="skerry status")
        return deployment

    def _running(self, service: ServiceKey, replica: str | None) -> Replica:
        self._deployment(service)
        return choose(self._state, service, replica, subject=self._subject(service))

    def _subject(self, service: ServiceKey) -> str:
        return service.at(self.cell.cell)
