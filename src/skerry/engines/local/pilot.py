"""One replica's life: created, started, probed, started again when it ends.

A pilot runs until somebody retires its replica. Whatever the container does, or the engine
refuses, becomes what the replica says of itself; the pilot goes on.
"""

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from random import random
from typing import Any, Final

from skerry.engines.local.api import ApiError
from skerry.engines.local.containers import container_name, replica_labels
from skerry.engines.local.crashes import FIRST_SECONDS, LONGEST_SECONDS, crashed
from skerry.engines.local.creation import ImageMissing, Plan, create
from skerry.engines.local.crew import Crew
from skerry.engines.local.probes import Answer, probe
from skerry.engines.local.replica import Ended, Phase, Replica
from skerry.engines.local.sessions import run_quietly
from skerry.engines.local.workload import Workload
from skerry.errors import DeployFailed, EngineUnavailable, SkerryError
from skerry.model.proxy import Address

_FIRST_PROBE_SECONDS: Final = 0.02
_SLOWEST_PROBE_SECONDS: Final = 0.25
_EXEC_PROBE_SECONDS: Final = 0.25
# A replica nobody can ask counts as ready when it has not ended by then.
_SETTLED_SECONDS: Final = 1.0
_KILLED: Final = 128 + 9
_UNSTARTABLE: Final = "StartError"


class Pilot:
    """Looks after one replica."""

    def __init__(self, replica: Replica, crew: Crew, *, workload: Workload | None = None) -> None:
        self._replica = replica
        self._crew = crew
        self._workload = workload
        self._step: asyncio.Task[None] | None = None

    async def fly(self) -> None:
        """Live, until cancelled or the container is lost."""
        replica = self._replica
        if self._workload is not None:
            await self._created(self._workload)
        while replica.phase is not Phase.LOST:
            if replica.phase is Phase.WAITING:
                ended = await self._started()
            else:
                ended = await self._end(await self._tend())
            if ended is not None:
                await self._back_off(ended)
        self._crew.changed(replica.service)

    async def landed(self) -> None:
        """Return once no call to the container engine that was begun is still under way."""
        if self._step is not None:
            await asyncio.gather(self._step, return_exceptions=True)

    # Creation

    async def _created(self, workload: Workload) -> None:
        pause = FIRST_SECONDS
        while True:
            try:
                return await self._create(workload)
            except SkerryError as error:
                self._wait_because(_reason_of(error), _sentence(error))
            except ApiError as error:
                self._wait_because("CreateContainerError", error.message)
            await self._crew.clock.sleep(pause)
            pause = min(pause * 2, LONGEST_SECONDS)

    async def _started(self) -> Ended | None:
        """Start it, whenever the engine answers. An end, when the engine refuses to."""
        replica, crew = self._replica, self._crew
        pause = FIRST_SECONDS
        while True:
            replica.ended.clear()
            try:
                async with crew.slots:
                    await self._whole(crew.runtime.start(replica.container))
                await self._running()
                return None
            except EngineUnavailable as error:
                self._wait_because("ContainerCreating", _sentence(error))
                await crew.clock.sleep(pause)
                pause = min(pause * 2, LONGEST_SECONDS)
            except ApiError as error:
                if error.status == 404 and await self._vanished():
                    return None
                self._wait_because("CreateContainerError", error.message)
                return self._unstartable(error.message)

    async def _create(self, workload: Workload) -> None:
        replica, crew = self._replica, self._crew
        plan = Plan(
            name=replica.container,
            service=replica.service,
            template=workload.template,
            labels=replica_labels(crew.settings, workload, pod=replica.pod, address=replica.ip),
            address=replica.ip,
            aliases=() if crew.routed else (replica.service.name,),
            published=not crew.routed,
        )
        while True:
            try:
                async with crew.slots:
                    return await self._whole(create(plan, crew))
            except ImageMissing as missing:
                self._wait_because("ContainerCreating", f"fetching {missing}")
                await crew.images.pull(str(missing), said=self._image_progress)

    async def _running(self) -> None:
        replica, crew = self._replica, self._crew
        replica.phase, replica.reason, replica.message = Phase.RUNNING, "", ""
        replica.started = crew.clock.now()
        await crew.networks.joined(replica.service.namespace)
        await locate(replica, crew)
        crew.changed(replica.service)

    async def _whole(self, work: Coroutine[Any, Any, None]) -> None:
        """Not cut in half by a retirement: it waits for the call (`landed`), then undoes it."""
        self._step = asyncio.ensure_future(work)
        self._crew.steps.add(self._step)
        self._step.add_done_callback(self._crew.steps.discard)
        await asyncio.shield(self._step)

    async def _vanished(self) -> bool:
        try:
            there = await self._crew.runtime.inspect(self._replica.container) is not None
        except (EngineUnavailable, ApiError):
            return False
        if not there:
            self._replica.phase = Phase.LOST
        return not there

    def _image_progress(self) -> None:
        said = self._crew.images.progress(self._replica.care.image)
        if said and said != self._replica.message:
            self._wait_because("ContainerCreating", said)

    def _wait_because(self, reason: str, message: str) -> None:
        replica = self._replica
        replica.reason, replica.message = reason, message
        self._crew.state.touch(replica.service)

    # Running

    async def _tend(self) -> str:
        """Probe until the container ends (empty) or must be ended (why)."""
        replica = self._replica
        if replica.phase is not Phase.RUNNING:
            return ""
        ended = asyncio.ensure_future(replica.ended.wait())
        probing = asyncio.ensure_future(self._probe_on())
        try:
            await asyncio.wait({ended, probing}, return_when=asyncio.FIRST_COMPLETED)
            return "" if ended.done() else probing.result()
        finally:
            for task in (ended, probing):
                task.cancel()
            await asyncio.gather(ended, probing, return_exceptions=True)

    async def _probe_on(self) -> str:
        replica, check = self._replica, self._replica.care.check
        if not replica.ready and (late := await self._first_success()):
            return late
        failures = 0
        pause = check.interval_seconds * (0.5 + random() / 2)
        while check.kind == "none":
            await self._crew.clock.sleep(3600)
        while True:
            await self._crew.clock.sleep(pause)
            pause = check.interval_seconds
            answer = await self._ask()
            failures = 0 if answer.healthy else failures + 1
            replica.probe_said = answer.said
            if failures == 0 and not replica.ready:
                await self._turn_ready()
            elif failures >= check.failures:
                return f"failed its check {failures} times in a row: {answer.said}"
            elif failures >= check.unready_failures and replica.ready:
                self._turn_unready()

    async def _first_success(self) -> str:
        """Ask often until it answers; why it must be ended when it never does."""
        replica, check, clock = self._replica, self._replica.care.check, self._crew.clock
        if check.kind == "none":
            await clock.sleep(_SETTLED_SECONDS)
            await self._turn_ready()
            return ""
        began = clock.monotonic()
        pause = _EXEC_PROBE_SECONDS if check.kind == "exec" else _FIRST_PROBE_SECONDS
        while True:
            answer = await self._ask()
            if answer.healthy:
                await self._turn_ready()
                return ""
            if answer.said != replica.probe_said:
                replica.probe_said = answer.said
                self._crew.state.touch(replica.service)
            if clock.monotonic() - began >= check.start_seconds:
                return f"was not ready after {check.start_seconds:g} s: {answer.said}"
            await clock.sleep(pause)
            pause = min(pause * 1.5, max(_SLOWEST_PROBE_SECONDS, pause))

    async def _ask(self) -> Answer:
        replica = self._replica

        async def command(words: tuple[str, ...]) -> tuple[int, str]:
            return await run_quietly(self._crew.runtime.api, replica.container, words)

        forwarded = not self._crew.routed
        try:
            return await probe(
                replica.care.check, replica.address, command=command, forwarded=forwarded
            )
        except EngineUnavailable:
            # Nobody could be asked: that says nothing about the replica.
            return Answer(healthy=replica.ready, said=replica.probe_said)
        except ApiError as error:
            return Answer(healthy=False, said=error.message)

    async def _turn_ready(self) -> None:
        replica, crew = self._replica, self._crew
        replica.turn(True, crew.clock.now())
        replica.probe_said = ""
        crew.router.changed()
        crew.changed(replica.service)
        await crew.state.remember(replica)

    def _turn_unready(self) -> None:
        self._replica.turn(False, self._crew.clock.now())
        self._crew.router.changed()
        self._crew.changed(self._replica.service)

    # The end

    def _unstartable(self, said: str) -> Ended:
        now = self._crew.clock.now()
        return Ended(exit_code=128, reason=_UNSTARTABLE, message=said, started=None, finished=now)

    async def _end(self, unhealthy: str) -> Ended | None:
        """Bring the container to its end, and find out how it ended."""
        replica, crew = self._replica, self._crew
        if unhealthy:
            replica.message = unhealthy
            self._turn_unready()
            await crew.state.remember(replica)
        pause = FIRST_SECONDS
        while True:
            try:
                if unhealthy:
                    await crew.runtime.stop(
                        replica.container, grace_seconds=replica.care.grace_seconds
                    )
                return await self._how(unhealthy)
            except (EngineUnavailable, ApiError):
                await crew.clock.sleep(pause)
                pause = min(pause * 2, LONGEST_SECONDS)

    async def _how(self, unhealthy: str) -> Ended | None:
        replica, crew = self._replica, self._crew
        status = await crew.runtime.inspect(replica.container)
        if status is not None and status.running:
            replica.ended.clear()
            return None  # a late event: it was started again since
        self._turn_unready()
        if status is None:
            replica.phase = Phase.LOST
            return None
        said = await crew.runtime.last_lines(replica.container)
        code = status.exit_code
        reason = "Completed" if code == 0 else "Error"
        if status.out_of_memory or (
            code == _KILLED and not unhealthy and await crew.machine.ran_out_of_memory(status.id)
        ):
            reason = "OOMKilled"
        elif unhealthy:
            reason, said = "Unhealthy", f"{said}\n{unhealthy}".strip()
        return Ended(
            exit_code=code,
            reason=reason,
            message=said,
            started=status.started or replica.started,
            finished=status.finished or crew.clock.now(),
        )

    async def _back_off(self, ended: Ended) -> None:
        replica, crew = self._replica, self._crew
        replica.phase, replica.last = Phase.WAITING, ended
        ran = (ended.finished - ended.started).total_seconds() if ended.started else 0.0
        replica.crashes, pause = crashed(
            replica.crashes, at=crew.clock.now().timestamp(), ran_seconds=ran
        )
        replica.reason, replica.message = "CrashLoopBackOff", pause.reason
        if ended.reason == _UNSTARTABLE:
            replica.reason, replica.message = "RunContainerError", ended.message
        replica.probe_said = ""
        crew.changed(replica.service)
        await crew.state.remember(replica)
        await crew.clock.sleep(pause.seconds)


async def locate(replica: Replica, crew: Crew) -> None:
    """Find out where the replica's port is reached."""
    port = replica.care.port
    if port is None:
        return
    if replica.ip is not None:
        replica.address = Address(str(replica.ip), port)
        return
    status = await crew.runtime.inspect(replica.container)
    published = (status.ports if status else {}).get(port)
    replica.address = Address("127.0.0.1", published) if published else None


def new_replica(workload: Workload, crew: Crew, *, pod: str, now: datetime) -> Replica:
    """A replica that has a name and a place, and nothing yet."""
    return Replica(
        pod=pod,
        service=workload.service,
        hash=workload.hash,
        care=workload.care,
        container=container_name(crew.settings, workload.service.namespace, pod),
        born=now,
        ip=crew.book.take(workload.service, crossing=workload.crossing) if crew.routed else None,
    )


def _reason_of(error: SkerryError) -> str:
    if isinstance(error, DeployFailed):
        return "ErrImagePull"
    if isinstance(error, EngineUnavailable):
        return "ContainerCreating"
    return "CreateContainerConfigError"


def _sentence(error: SkerryError) -> str:
    return f"{error.cause} ({error.hint})" if error.hint else error.cause
