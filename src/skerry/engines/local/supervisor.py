"""One task per service: looks at what is wanted and what is there, and takes the next steps."""

import asyncio
import logging
from secrets import token_hex
from typing import Final

from skerry.engines.local.api import ApiError
from skerry.engines.local.crew import Crew
from skerry.engines.local.pilot import Pilot, new_replica
from skerry.engines.local.replica import Phase, Replica
from skerry.engines.local.retirement import retire
from skerry.engines.local.rollout import Create, Retire, Target, next_steps, surge_of
from skerry.engines.local.workload import Workload, read_workload
from skerry.errors import EngineUnavailable, Refused
from skerry.model.keys import ServiceKey
from skerry.model.objects import key_of

log = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 2.0


class Supervisor:
    """Keeps one service's replicas as they should be. Level-based: `wake` only makes it look
    earlier; what it does follows from what it sees."""

    def __init__(self, service: ServiceKey, crew: Crew) -> None:
        self.service = service
        self._crew = crew
        self._wake = asyncio.Event()
        self._pilots: dict[str, tuple[Pilot, asyncio.Task[None]]] = {}
        self._workload: Workload | None = None

    def wake(self) -> None:
        """Something changed: look again."""
        self._wake.set()

    def adopt(self, replica: Replica) -> None:
        """Look after a replica that was there before."""
        if replica.retiring is not None:
            self._dismiss(replica)
        else:
            self._launch(replica, None)

    async def run(self) -> None:
        """Work until nothing is wanted and nothing is left."""
        while True:
            self._wake.clear()
            timer: float | None = None
            try:
                timer = await self._look()
                if self._workload is None and not self._crew.state.of(self.service):
                    return
            except (EngineUnavailable, ApiError, Refused) as error:
                self._crew.state.say(f"service/{self.service}", str(error))
                timer = _RETRY_SECONDS
            else:
                self._crew.state.say(f"service/{self.service}", "")
            await self._rest(timer)

    async def _rest(self, seconds: float | None) -> None:
        if seconds is None:
            await self._wake.wait()
            return
        waking = asyncio.ensure_future(self._wake.wait())
        resting = asyncio.ensure_future(self._crew.clock.sleep(seconds))
        try:
            await asyncio.wait({waking, resting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waking.cancel()
            resting.cancel()

    def retire_surplus(self) -> None:
        """What no longer fits leaves at once, so that nobody sees it as staying."""
        self._read()
        for step in self._steps():
            if isinstance(step, Retire):
                self._take(step)

    async def _look(self) -> float | None:
        """One look and the steps that follow. Returns when to look again by itself."""
        again = await self._expire_override()
        for replica in self._crew.state.of(self.service):
            if replica.phase is Phase.LOST and replica.retiring is None:
                self._drop(replica)
        workload = self._read()
        if workload is not None:
            await self._place(workload, self._target(workload).replicas)
        self._read()
        for step in self._steps():
            self._take(step)
        return again

    def _read(self) -> Workload | None:
        state = self._crew.state
        deployment = state.deployment(self.service)
        workload = read_workload(deployment, state.objects) if deployment else None
        self._workload = workload
        if workload is not None and self._crew.routed:
            for replica in state.of(self.service):
                replica.misplaced = not self._crew.book.placed(
                    self.service, replica.ip, crossing=workload.crossing
                )
        return workload

    def _steps(self) -> tuple[Create | Retire, ...]:
        workload = self._workload
        target = Target(replicas=0) if workload is None else self._target(workload)
        wanted_hash = "" if workload is None else workload.hash
        seen = [replica.seen(wanted_hash) for replica in self._crew.state.of(self.service)]
        return next_steps(target, seen)

    def _take(self, step: Create | Retire) -> None:
        match step:
            case Create():
                assert self._workload is not None
                self._create(self._workload)
            case Retire(name=name, reason=reason, surplus=surplus):
                replica = self._crew.state.replicas[name]
                replica.retiring, replica.retiring_reason = self._crew.clock.now(), reason
                replica.surplus = surplus
                self._dismiss(replica)

    def _target(self, workload: Workload) -> Target:
        override = self._crew.state.overrides.get(self.service)
        if override is None:
            return Target(
                replicas=workload.replicas, surge=workload.surge, recreate=workload.recreate
            )
        return Target(
            replicas=override.replicas,
            surge=surge_of(override.replicas),
            recreate=workload.recreate,
        )

    async def _expire_override(self) -> float | None:
        override = self._crew.state.overrides.get(self.service)
        if override is None or override.until is None:
            return None
        left = (override.until - self._crew.clock.now()).total_seconds()
        if left > 0:
            return min(left, 60.0)  # the wall clock may jump: look again soon enough
        await self._crew.state.override(self.service, None)
        self._crew.state.touch(self.service)
        return None

    async def _place(self, workload: Workload, replicas: int) -> None:
        """A network, a resolver, doors, and blocks of addresses, before the first replica."""
        book, crew = self._crew.book, self._crew
        await crew.networks.ensure(self.service.namespace)
        if not crew.routed:
            return
        await book.resolver(self.service.namespace)
        for manifest in crew.state.owned(self.service):
            if manifest["kind"] == "Service" and manifest["spec"].get("type") != "ExternalName":
                key = key_of(manifest)
                await book.door(ServiceKey(key.namespace, key.name))
        crossing = workload.crossing
        if crossing and await book.blocks(self.service, max(replicas, workload.replicas)):
            await crew.router.settled()  # doors elsewhere admit it before it knocks

    def _create(self, workload: Workload) -> None:
        crew = self._crew
        pod = f"{self.service.name}-{workload.hash[:5]}-{token_hex(3)}"
        replica = new_replica(workload, crew, pod=pod, now=crew.clock.now())
        crew.state.replicas[pod] = replica
        self._launch(replica, workload)
        crew.state.touch(self.service)

    def _launch(self, replica: Replica, workload: Workload | None) -> None:
        pilot = Pilot(replica, self._crew, workload=workload)
        task = self._crew.tasks.spawn(pilot.fly(), name=f"pilot of {replica.pod}")
        self._pilots[replica.pod] = (pilot, task)

    def _dismiss(self, replica: Replica) -> None:
        self._crew.state.touch(self.service)
        self._crew.tasks.spawn(self._retire(replica), name=f"retire {replica.pod}")

    async def _retire(self, replica: Replica) -> None:
        known = self._pilots.pop(replica.pod, None)
        if known is not None:
            pilot, task = known
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await pilot.landed()
        await retire(replica, self._crew)

    def _drop(self, replica: Replica) -> None:
        """Its container was taken away by somebody else."""
        log.warning("%s: its container %s is gone", replica.pod, replica.container)
        replica.retiring = self._crew.clock.now()
        self._dismiss(replica)
