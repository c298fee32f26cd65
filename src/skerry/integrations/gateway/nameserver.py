"""The name server's process as the gateway has it: kept alive, told its names, replaced."""

import asyncio
import hashlib
import json
import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from skerry.errors import GatewayUnavailable
from skerry.integrations.gateway import detached
from skerry.integrations.gateway.detached import Running
from skerry.integrations.gateway.files import replace
from skerry.integrations.gateway.resolver.service import STATE_SOCKET
from skerry.integrations.gateway.resolver.tables import NAMES_FILE
from skerry.loops import Tasks
from skerry.model.proxy import NameTable
from skerry.ports import Clock

log = logging.getLogger(__name__)

MODULE = "skerry.integrations.gateway.resolver"
RESOLVER_LOG = "resolver.log"
LIVE_SECONDS = 15.0
ASK_SECONDS = 2.0
POLL_SECONDS = 0.005
# An address is taken within milliseconds, unless somebody else has it.
TAKEN_SECONDS = 0.5

State = dict[str, Any]


class NameServer:
    """The one of a folder. `socket` makes a short path to a socket in the folder."""

    def __init__(
        self, folder: Path, socket: Callable[[str], str], *, resolv_conf: Path, clock: Clock
    ) -> None:
        self._folder = folder
        self._socket = socket
        self._resolv_conf = resolv_conf
        self._clock = clock
        self._tasks = Tasks()
        self._held: tuple[NameTable, ...] | None = None
        self._version = _held_version(folder / NAMES_FILE)
        self.current: Running | None = None
        self.reason = ""  # why names are not served; empty when they are

    async def start(self) -> None:
        """Adopt the process that runs, or start one, and keep it. Raises GatewayUnavailable."""
        if not self._version:
            self._write(())
        self.current = await self._adopted() or await self._fresh()
        self._watch(self.current)

    async def close(self) -> None:
        """Stop watching; it goes on."""
        await self._tasks.close()
        self.current = None

    async def publish(self, tables: Sequence[NameTable]) -> None:
        """Return once exactly these are served. Raises GatewayUnavailable, and then names that
        could be served are."""
        wanted = tuple(sorted(tables, key=lambda table: table.resolver))
        if wanted == self._held:
            return
        self._held = None
        self._write(wanted)
        await self._until_served()
        self._held = wanted

    async def upgrade(self) -> None:
        """Put a new process in the place of the current one; no question is lost. Raises
        GatewayUnavailable."""
        after = await self._fresh()
        await self._tasks.close()
        self.current = after
        self._watch(after)
        await self._end_others(after)

    async def up_to_date(self) -> bool:
        """Whether the names written last are served. Raises GatewayUnavailable."""
        state = await self._ask()
        if state["version"] == self._version and not state["waiting"]:
            self.reason = ""
            return True
        self._held = None
        return False

    async def _adopted(self) -> Running | None:
        """The process that answers; any other is a rest of an upgrade, and ended."""
        pid = 0
        running = find(self._folder)
        if running:
            with suppress(GatewayUnavailable):
                pid = (await self._ask())["pid"]
        answering = next((one for one in running if one.pid == pid), None)
        await self._end_others(answering)
        return answering

    async def _end_others(self, kept: Running | None) -> None:
        for other in find(self._folder):
            if kept is None or other.pid != kept.pid:
                await detached.end(other)

    async def _fresh(self) -> Running:
        try:
            started = launch(self._folder, self._resolv_conf)
        except OSError as error:
            raise self._failed(f"the name server cannot be started: {error}") from error
        try:
            await self._until_live(started)
        except GatewayUnavailable:
            await detached.end(started)
            raise
        return started

    async def _until_live(self, expected: Running) -> None:
        """Once it answers it has read its names and listens wherever it can."""
        deadline = self._clock.monotonic() + LIVE_SECONDS
        while self._clock.monotonic() < deadline:
            if not detached.alive(expected):
                said = detached.last_line(self._folder / RESOLVER_LOG)
                raise self._failed(f"the name server ended while starting; it last said: {said}")
            with suppress(GatewayUnavailable):
                if (await self._ask())["pid"] == expected.pid:
                    self.reason = ""
                    return
            await self._clock.sleep(POLL_SECONDS)
        raise self._failed(f"the name server was not ready after {LIVE_SECONDS:.0f} s")

    async def _until_served(self) -> None:
        started = self._clock.monotonic()
        while (waited := self._clock.monotonic() - started) < LIVE_SECONDS:
            with suppress(GatewayUnavailable):
                state = await self._ask()
                if state["version"] == self._version and not state["waiting"]:
                    self.reason = ""
                    return
                if state["waiting"] and waited > TAKEN_SECONDS:
                    break
            await self._clock.sleep(POLL_SECONDS)
        else:
            raise self._failed(f"names are not served after {LIVE_SECONDS:.0f} s")
        raise self._failed(f"names cannot be served: {'; '.join(state['waiting'].values())}")

    async def _ask(self) -> State:
        """What the process serves; it looks at its file first."""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._socket(STATE_SOCKET))
                try:
                    state: State = json.loads(await reader.read())
                finally:
                    writer.close()
                return state
        except (OSError, ValueError, TimeoutError) as error:
            raise GatewayUnavailable(
                "the name server does not answer", subject="gateway", hint="skerry doctor"
            ) from error

    def _write(self, tables: tuple[NameTable, ...]) -> None:
        content, version = _content(tables)
        if version != self._version:
            # Not forced to disk: after a power cut the file is written anew before it matters.
            replace(self._folder / NAMES_FILE, content, durable=False)
            self._version = version

    def _watch(self, current: Running) -> None:
        self._tasks.spawn(
            detached.keep_alive(current, self._again, lost=self._lost, clock=self._clock),
            name="gateway: keep the name server alive",
        )

    async def _again(self) -> Running:
        self.current = await self._fresh()
        return self.current

    def _lost(self, reason: str) -> None:
        self.current = None
        self.reason = f"name server: {reason}"
        log.warning("%s", self.reason)

    def _failed(self, why: str) -> GatewayUnavailable:
        self.reason = why
        hint = f"see {self._folder / RESOLVER_LOG}"
        return GatewayUnavailable(why, subject="gateway", hint=hint)


def find(folder: Path) -> tuple[Running, ...]:
    """Every name server of this folder, newest first."""
    found = [running for running, _ in detached.find(MODULE, str(folder))]
    return tuple(sorted(found, key=lambda running: -running.started))


def launch(folder: Path, resolv_conf: Path) -> Running:
    """Start one that outlives this process. Raises OSError."""
    command = [sys.executable, "-P", "-m", MODULE, str(folder), str(resolv_conf)]
    return detached.launch(folder, command, log_file=folder / RESOLVER_LOG)


def _content(tables: tuple[NameTable, ...]) -> tuple[bytes, str]:
    held = orjson.dumps(
        {str(table.resolver): {name: str(at) for name, at in table.names} for table in tables},
        option=orjson.OPT_SORT_KEYS,
    )
    version = hashlib.sha256(held).hexdigest()[:16]
    return b'{"version":"%s","tables":%s}' % (version.encode(), held), version


def _held_version(path: Path) -> str:
    """Of what the file holds; empty when there is none, or a broken one."""
    try:
        return str(orjson.loads(path.read_bytes())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
