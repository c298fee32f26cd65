"""Brings resources into the files Envoy watches, in an order that leaves no hole, and waits
until they are served."""

from contextlib import suppress
from pathlib import Path

import orjson

from skerry.errors import GatewayUnavailable
from skerry.integrations.gateway import admin as asked
from skerry.integrations.gateway import process
from skerry.integrations.gateway.admin import Admin
from skerry.integrations.gateway.bootstrap import CLUSTERS_FILE, LISTENERS_FILE, ROUTES_FILE
from skerry.integrations.gateway.files import WatchedFile
from skerry.integrations.gateway.resources import Resources
from skerry.integrations.gateway.shapes import Resource
from skerry.integrations.gateway.workers import Workers
from skerry.model.proxy import Address
from skerry.ports import Clock

SERVED_SECONDS = 15.0
# Envoy takes a file within tens of milliseconds; after this long it is asked why it did not.
SUSPICIOUS_SECONDS = 0.5
POLL_SECONDS = 0.004


class Publisher:
    """The three files, and what Envoy has made of them."""

    def __init__(self, folder: Path, admin: Admin, *, workers: Workers, clock: Clock) -> None:
        self._admin = admin
        self._workers = workers
        self._clock = clock
        self._log = folder / process.PROCESS_LOG
        self._clusters = WatchedFile(folder / CLUSTERS_FILE)
        self._routes = WatchedFile(folder / ROUTES_FILE)
        self._listeners = WatchedFile(folder / LISTENERS_FILE)
        self._served = {
            cluster["name"]: orjson.dumps(cluster) for cluster in _read(self._clusters.path)
        }
        self.reason = ""
        # Whether the files written last were taken. Unknown after a restart or a refusal.
        self._certain = False

    @property
    def complete(self) -> bool:
        """Whether there is a file of each kind for Envoy to start with."""
        return all(file.version for file in self._files().values())

    def listening(self) -> frozenset[Address]:
        """The addresses in the file of listeners."""
        sockets = [
            listener["address"]["socket_address"] for listener in _read(self._listeners.path)
        ]
        return frozenset(Address(at["address"], at["port_value"]) for at in sockets)

    def write(self, wanted: Resources) -> None:
        """Only write; for an Envoy that does not run yet."""
        self._clusters.write(list(wanted.clusters.values()))
        self._routes.write(wanted.routes)
        self._listeners.write(wanted.listeners)
        self._served = dict(wanted.clusters)

    async def publish(self, wanted: Resources) -> None:
        """Write what differs and return once every worker serves it: new clusters before the
        routes that lead there, old ones gone after them. Raises GatewayUnavailable."""
        certain, self._certain = self._certain, False
        leaving = self._served.keys() - wanted.clusters.keys()
        both = {**wanted.clusters, **{name: self._served[name] for name in sorted(leaving)}}
        self._clusters.write(list(both.values()))
        self._served = both
        await self._taken(asked.CLUSTERS)
        changed = self._routes.write(wanted.routes) | self._listeners.write(wanted.listeners)
        if changed or not certain:
            await self._taken(*self._files())
        await self._workers.settle()
        if leaving:
            self._clusters.write(list(wanted.clusters.values()))
            self._served = dict(wanted.clusters)
            await self._taken(asked.CLUSTERS)
        self.reason = ""
        self._certain = True

    async def settle(self) -> None:
        """Return once every worker serves what the files hold. Raises GatewayUnavailable."""
        self._workers.disconnect()
        await self._taken(*self._files())
        await self._workers.settle()

    async def up_to_date(self) -> bool:
        """Whether Envoy has taken all three files. Raises GatewayUnavailable."""
        versions = await self._admin.versions()
        files = self._files().items()
        self._certain = all(versions.get(kind) == file.version for kind, file in files)
        return self._certain

    def close(self) -> None:
        """Leave."""
        self._workers.disconnect()

    def _files(self) -> dict[str, WatchedFile]:
        return {
            asked.CLUSTERS: self._clusters,
            asked.ROUTES: self._routes,
            asked.LISTENERS: self._listeners,
        }

    async def _taken(self, *kinds: str) -> None:
        started = self._clock.monotonic()
        said_before = process.size(self._log)
        nudged = False
        while (waited := self._clock.monotonic() - started) < SERVED_SECONDS:
            behind = await self._behind(kinds)
            if not behind:
                return
            if waited > SUSPICIOUS_SECONDS:
                self._complain(said_before)
                if not nudged:
                    nudged = True
                    self._nudge(behind)
            await self._clock.sleep(POLL_SECONDS)
        self.reason = f"Envoy has not taken its configuration after {SERVED_SECONDS:.0f} s"
        raise GatewayUnavailable(self.reason, subject="gateway", hint="skerry doctor")

    async def _behind(self, kinds: tuple[str, ...]) -> set[str]:
        """Which of these Envoy serves in another version than written; all, when it does not
        answer."""
        versions: dict[str, str] = {}
        with suppress(GatewayUnavailable):
            versions = await self._admin.versions()
        files = self._files()
        return {kind for kind in kinds if versions.get(kind) != files[kind].version}

    def _complain(self, said_before: int) -> None:
        if why := refusal(process.text(self._log, said_before)):
            self.reason = f"Envoy refuses its configuration: {why}"
            raise GatewayUnavailable(self.reason, subject="gateway", hint=f"see {self._log}")

    def _nudge(self, behind: set[str]) -> None:
        """Have Envoy read again what it refused earlier: the reason may be gone by now."""
        for kind in behind:
            file = self._files()[kind]
            file.write([orjson.dumps(resource) for resource in _read(file.path)], anyway=True)


def refusal(said: str) -> str:
    """Why Envoy refused a file, from what it said in its log; empty when it refused nothing.

    It prints the whole of what it refused first, over many lines, and the reason last.
    """
    _, found, after = said.rpartition(" rejected: ")
    if not found:
        return ""
    sentence = " ".join(after.partition("\n[")[0].split())
    return sentence if len(sentence) <= 400 else "... " + sentence[-400:]


def _read(path: Path) -> list[Resource]:
    try:
        resources: list[Resource] = orjson.loads(path.read_bytes())["resources"]
    except (OSError, ValueError, KeyError):
        return []
    return resources
