"""The Kubernetes engine: the port, each call handed to the module that does it."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from skerry.engines.kubernetes import facts, logs, scaling, sessions, tunnels
from skerry.engines.kubernetes.applying import Applying
from skerry.engines.kubernetes.deleting import Deleting
from skerry.engines.kubernetes.index import Index
from skerry.engines.kubernetes.jobs import run_job
from skerry.engines.kubernetes.leases import Leases
from skerry.engines.kubernetes.looking import Looks
from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.records import Records
from skerry.engines.kubernetes.report import report
from skerry.engines.kubernetes.verify import Verify
from skerry.engines.kubernetes.watching import Watches
from skerry.engines.kubernetes.writing import Writing
from skerry.model.cell import Cell
from skerry.model.change import Change, Outcome, Release
from skerry.model.keys import ServiceKey
from skerry.model.objects import Manifest
from skerry.model.process import LogLine, LogQuery
from skerry.model.world import EVERYTHING, CellReport, Finding, Observation, Override, Scope
from skerry.ports import Session, Tunnel


class KubernetesEngine:
    """Implements ports.Engine. Connects with the first call; `close` hangs up and leaves the
    cell as it is."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._index = Index(parts.client)
        self._records = Records(parts.client)
        self._watches = Watches(parts)
        leases = Leases(parts.client, parts.clock, parts.name)
        self._writing = Writing(leases, self._index, clock=parts.clock, cell=parts.name)
        self._looks = looks = Looks(parts, self._records)
        self._applying = Applying(parts, looks, self._writing)
        self._deleting = Deleting(parts, looks, self._writing)
        self._verify = Verify(parts, index=self._index, leases=leases, records=self._records)

    @property
    def cell(self) -> Cell:
        """The cell this engine runs."""
        return self._parts.cell

    @property
    def requests(self) -> int:
        """How many requests the cell was sent."""
        return self._parts.client.requests

    async def close(self) -> None:
        """Hang up."""
        await self._parts.tasks.close()
        await self._watches.close()
        await self._parts.client.close()

    # Looking

    def limits(self, objects: Sequence[Manifest]) -> tuple[str, ...]:
        """Nothing: what is compiled for a cluster is what a cluster does."""
        return ()

    async def index(self) -> Mapping[ServiceKey, str]:
        """The inputs digest of every service here, in one request; and, the first time, one
        beside it that asks the cluster how old it is. Raises Refused for one that is too old."""
        entries, _ = await asyncio.gather(self._index.read(), self._parts.client.version())
        return {service: entry.inputs for service, entry in entries.items()}

    async def inventory(self, scope: Scope = EVERYTHING) -> Observation:
        """What Skerry applied: Deployments, and stubs of what they list."""
        return await self._looks.inventory(scope)

    async def observe(self, scope: Scope = EVERYTHING) -> Observation:
        """One look at everything in scope, as it is."""
        return await self._watches.observe(scope)

    def watch(self, scope: Scope = EVERYTHING) -> AsyncIterator[Observation]:
        """An observation now, and another after each change."""
        return self._watches.watch(scope)

    def verify(self) -> AsyncIterator[Finding]:
        """Compare every object with what was applied, and put the index right."""
        return self._verify.run()

    async def report(self) -> CellReport:
        """The cell at a glance. Raises EngineUnavailable."""
        return await report(self._parts, self._index)

    # Changing

    def writing(
        self, services: Collection[ServiceKey], *, by: str, stack: str | None = None
    ) -> AbstractAsyncContextManager[None]:
        """Be the only writer of these, in every process. Raises Conflict."""
        return self._writing.hold(services, by=by, stack=stack)

    async def apply(self, change: Change, *, take_over: bool = False) -> tuple[Outcome, ...]:
        """Server-side apply of what differs, the Deployment last. Raises Conflict."""
        return await self._applying.apply(change, take_over=take_over)

    async def delete(self, service: ServiceKey, *, volumes: bool) -> tuple[Outcome, ...]:
        """Unwant all of a service. Volumes stay unless told otherwise."""
        return await self._deleting.delete(service, volumes=volumes)

    async def scale(self, service: ServiceKey, override: Override | None) -> None:
        """Set the count by hand, or give it back. Raises NotFound."""
        self._looks.forget(service)
        await scaling.scale(self._parts, service, override)

    async def restart(self, service: ServiceKey) -> None:
        """Roll every replica. Raises NotFound."""
        self._looks.forget(service)
        await scaling.restart(self._parts, service)

    # Remembering

    async def record(self, *releases: Release) -> None:
        """Write releases, or their verdicts: many in few requests."""
        await self._records.record(releases)
        for release in releases:
            self._writing.recorded(release)

    async def releases(self, service: ServiceKey) -> tuple[Release, ...]:
        """Its releases, newest first."""
        return await self._records.releases(service)

    async def remember(self, name: str, fact: Mapping[str, Any] | None) -> None:
        """Keep a small document in the cell, or forget it (None)."""
        await facts.remember(self._parts.client, name, fact)

    async def recall(self, name: str) -> Mapping[str, Any] | None:
        """What was kept under this name."""
        return await facts.recall(self._parts.client, name)

    # Processes

    def logs(self, service: ServiceKey, query: LogQuery) -> AsyncIterator[LogLine]:
        """Lines of all its replicas, merged by time. Raises NotFound."""
        return logs.read_logs(self._parts, service, query)

    async def exec(
        self, service: ServiceKey, command: Sequence[str], *, tty: bool, replica: str | None = None
    ) -> Session:
        """A command inside a running replica. Raises NotFound, or Conflict when none runs."""
        return await sessions.exec_in(self._parts, service, command, tty=tty, replica=replica)

    async def run(
        self, job: Manifest, *, tty: bool = False, beside: Sequence[Manifest] = ()
    ) -> Session:
        """A one-off container from a Job manifest; removed when it ends."""
        return await run_job(self._parts, job, tty=tty, beside=beside)

    async def forward(
        self, service: ServiceKey, port: int | None, *, replica: str | None = None
    ) -> Tunnel:
        """A byte stream to a port of a running replica. Raises NotFound, Conflict."""
        return await tunnels.forward(self._parts, service, port, replica=replica)
