"""Keeps one Envoy alive: adopts it, starts it, brings it back, replaces it."""

import logging
import os
from contextlib import suppress
from pathlib import Path

from skerry.errors import Conflict, GatewayUnavailable
from skerry.integrations.gateway import detached, process
from skerry.integrations.gateway.admin import Admin
from skerry.integrations.gateway.connections import established_sockets
from skerry.integrations.gateway.detached import Running
from skerry.integrations.gateway.process import EnvoyProcess
from skerry.loops import Tasks
from skerry.ports import Clock

log = logging.getLogger(__name__)

LIVE_SECONDS = 30.0
POLL_SECONDS = 0.01


class Supervisor:
    """The Envoy of one folder. `current` is the process that takes new connections."""

    def __init__(self, folder: Path, admin: Admin, clock: Clock) -> None:
        self._folder = folder
        self._admin = admin
        self._clock = clock
        self._tasks = Tasks()
        self.current: EnvoyProcess | None = None
        self.version = ""
        self.reason = "not started"

    @property
    def live(self) -> bool:
        """Whether Envoy serves, as far as known."""
        return self.current is not None

    async def start(self) -> None:
        """Adopt the Envoy that runs, or start one, and keep it. Raises GatewayUnavailable."""
        running = process.find(self._folder)
        for candidate in running[:1]:
            await self._adopt(candidate, predecessors=running[1:])
        if self.current is None:
            self.current = await self._fresh()
        self._watch(self.current)

    async def close(self) -> None:
        """Stop watching; Envoy goes on."""
        await self._tasks.close()
        self.current = None
        self.reason = "not looked after"

    async def stop(self) -> None:
        """End every Envoy of the folder."""
        await self.close()
        for running in process.find(self._folder):
            await detached.end(running)
        process.remove_shared_memory(self._folder)

    async def upgrade(self) -> None:
        """Put a new process in the place of the current one, which finishes what it has.
        Raises Conflict while the one before still does, GatewayUnavailable."""
        before = self.current
        if before is None:
            raise GatewayUnavailable(self.reason, subject="gateway", hint="skerry doctor")
        self._check_alone(before)
        after = process.launch(self._folder, epoch=before.epoch + 1)
        try:
            await self._until_live(after)
        except GatewayUnavailable:
            await detached.end(after)
            raise
        await self._tasks.close()
        self.current = after
        self._watch(after)
        self._await_end(before)

    async def _adopt(self, candidate: EnvoyProcess, predecessors: tuple[EnvoyProcess, ...]) -> None:
        try:
            await self._until_live(candidate)
        except GatewayUnavailable as error:
            log.warning("ending an Envoy that runs and does not answer: %s", error)
            await detached.end(candidate)
            return
        self.current = candidate
        for old in predecessors:
            self._await_end(old)

    async def _fresh(self) -> EnvoyProcess:
        process.remove_shared_memory(self._folder)
        try:
            started = process.launch(self._folder)
        except OSError as error:
            raise GatewayUnavailable(
                f"Envoy cannot be started: {error}", subject="gateway", hint="skerry doctor"
            ) from error
        try:
            await self._until_live(started)
        except GatewayUnavailable:
            await detached.end(started)
            raise
        return started

    def _await_end(self, old: EnvoyProcess) -> None:
        """A replaced process is left alone until its successor ends it: Envoy aborts when the
        predecessor it wants to end is gone already."""
        self._tasks.spawn(detached.ended(old), name=f"gateway: process {old.pid} finishes")

    def _watch(self, current: EnvoyProcess) -> None:
        self._tasks.spawn(
            detached.keep_alive(current, self._again, lost=self._lost, clock=self._clock),
            name="gateway: keep Envoy alive",
        )

    async def _again(self) -> EnvoyProcess:
        self.current = await self._fresh()
        return self.current

    def _lost(self, reason: str) -> None:
        self.current = None
        self.reason = f"Envoy: {reason}"
        log.warning("%s", self.reason)

    async def _until_live(self, expected: EnvoyProcess) -> None:
        deadline = self._clock.monotonic() + LIVE_SECONDS
        while self._clock.monotonic() < deadline:
            if not detached.alive(expected):
                raise self._failed("Envoy ended while starting")
            with suppress(GatewayUnavailable):
                info = await self._admin.info()
                epoch = info["command_line_options"].get("restart_epoch", 0)
                if info["state"] == "LIVE" and epoch == expected.epoch:
                    self.version = info["version"].split("/")[1]
                    self.reason = f"Envoy {self.version} serves (pid {expected.pid})"
                    return
            await self._clock.sleep(POLL_SECONDS)
        raise self._failed(f"Envoy was not ready after {LIVE_SECONDS:.0f} s")

    def _failed(self, what: str) -> GatewayUnavailable:
        log_file = self._folder / process.PROCESS_LOG
        said = detached.last_line(log_file)
        return GatewayUnavailable(
            f"{what}; it last said: {said}" if said else what,
            subject="gateway",
            hint=f"see {log_file}",
        )

    def _check_alone(self, current: EnvoyProcess) -> None:
        """Envoy allows one predecessor, and ends the one before: at an upgrade too soon after
        another that would cut what it still has."""
        for old in process.find(self._folder):
            if old.pid != current.pid and (count := open_connections(old)):
                raise Conflict(
                    f"the gateway process before this one still finishes {count} connections",
                    subject="gateway",
                    hint="try again when they have ended",
                )


def open_connections(of: Running) -> int:
    """How many TCP connections a process has."""
    established = established_sockets()
    count = 0
    with suppress(OSError):
        for entry in os.scandir(f"/proc/{of.pid}/fd"):
            with suppress(OSError):
                target = os.readlink(entry.path)
                if target.startswith("socket:[") and int(target[8:-1]) in established:
                    count += 1
    return count
