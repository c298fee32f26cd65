"""The gateway port: program, keep alive and replace one Envoy, and the name server beside it."""

import asyncio
import resource
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import orjson

from skerry.errors import GatewayUnavailable
from skerry.integrations.gateway import access_log, detached, nameserver, process
from skerry.integrations.gateway.admin import Admin
from skerry.integrations.gateway.authority import Authority, open_authority
from skerry.integrations.gateway.bootstrap import (
    ACCESS_LOG,
    PROBE_SOCKET,
    ROUTES_FILE,
    bootstrap,
)
from skerry.integrations.gateway.connections import connected
from skerry.integrations.gateway.files import replace
from skerry.integrations.gateway.listeners import Certificate
from skerry.integrations.gateway.nameserver import NameServer
from skerry.integrations.gateway.occupant import check_free
from skerry.integrations.gateway.publisher import Publisher
from skerry.integrations.gateway.resolvers import RESOLV_CONF
from skerry.integrations.gateway.resources import Resources, Surroundings, resources
from skerry.integrations.gateway.supervisor import Supervisor
from skerry.integrations.gateway.workers import Workers
from skerry.loops import Tasks
from skerry.model.cell import Cell
from skerry.model.proxy import Address, GatewayStatus, ProxyConfig
from skerry.ports import Clock

TEND_SECONDS = 5.0
AUTHORITY_FOLDER = "authority"


class EnvoyGateway:
    """`skerry.ports.Gateway` on an Envoy process, and one that answers names, which outlive
    this one. Names that are no service's are asked of the servers in `resolv_conf`."""

    def __init__(
        self, folder: Path, cell: Cell, clock: Clock, *, resolv_conf: Path = RESOLV_CONF
    ) -> None:
        self.folder = folder.absolute()
        self._cell = cell
        self._clock = clock
        self._resolv_conf = resolv_conf
        self._tasks = Tasks()
        self._lock = asyncio.Lock()
        self._wanted: ProxyConfig | None = None
        self._pruned: list[str] = []
        self._admin: Admin | None = None
        self._authority: Authority | None = None
        self._supervisor: Supervisor | None = None
        self._publisher: Publisher | None = None
        self._names: NameServer | None = None

    async def start(self) -> None:
        """Adopt the running proxy, or start one, and keep it alive. Raises GatewayUnavailable."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._open_authority()
        self._write_bootstrap()
        self._admin = Admin(self.folder)
        workers = Workers(self._admin.socket(PROBE_SOCKET), process.workers())
        self._supervisor = Supervisor(self.folder, self._admin, self._clock)
        self._publisher = Publisher(self.folder, self._admin, workers=workers, clock=self._clock)
        self._names = NameServer(
            self.folder, self._admin.socket, resolv_conf=self._resolv_conf, clock=self._clock
        )
        try:
            await asyncio.to_thread(self._check_ports)
            if not self._publisher.complete:
                self._publisher.write(await self._resources(ProxyConfig()))
            await self._supervisor.start()
            await self._names.start()
        except GatewayUnavailable:
            await self.close()
            raise
        self._tasks.spawn(self._tend(), name="gateway: logs and certificates")

    async def close(self) -> None:
        """Stop looking after it; it goes on serving."""
        await self._tasks.close()
        if self._supervisor is not None:
            await self._supervisor.close()
        if self._names is not None:
            await self._names.close()
        if self._publisher is not None:
            self._publisher.close()
            self._publisher = None
        if self._admin is not None:
            await self._admin.close()
            self._admin = None

    async def stop(self) -> None:
        """End the proxy itself and remove what it left on the machine.

        The authority stays: it is what people's machines were told to trust.
        """
        await self.close()
        for running in (*process.find(self.folder), *nameserver.find(self.folder)):
            await detached.end(running)
        process.remove_shared_memory(self.folder)
        await asyncio.to_thread(_empty, self.folder)

    async def program(self, config: ProxyConfig) -> None:
        """Return once every worker of the proxy, and the name server, serves this, or what a
        later call wanted instead. Raises GatewayUnavailable."""
        self._wanted = config
        async with self._lock:
            await self._serve(self._wanted)

    async def busy(self, addresses: Sequence[Address]) -> frozenset[Address]:
        """Those addresses this machine still has established connections to."""
        if not addresses:
            return frozenset()
        try:
            return connected(addresses)
        except OSError as error:
            raise GatewayUnavailable(
                f"the kernel does not say which connections are open: {error}", subject="gateway"
            ) from error

    async def upgrade(self) -> None:
        """Replace the processes by new ones; no connection is refused or cut, no lookup lost.
        Raises Conflict while connections of the upgrade before are not finished."""
        async with self._lock:
            if self._supervisor is None or self._publisher is None or self._names is None:
                raise _not_started()
            self._write_bootstrap()
            await self._supervisor.upgrade()
            await self._publisher.settle()
            await self._names.upgrade()

    def status(self) -> GatewayStatus:
        """How it is."""
        keeper = self._supervisor
        if keeper is None:
            return GatewayStatus(live=False, reason="not started")
        current = keeper.current
        return GatewayStatus(
            live=keeper.live and self._names is not None and self._names.current is not None,
            reason=self._trouble() or keeper.reason,
            version=keeper.version,
            pid=current.pid if current else None,
            http=self._http,
            https=self._https,
        )

    def _trouble(self) -> str:
        proxy = self._publisher.reason if self._publisher else ""
        return proxy or (self._names.reason if self._names else "")

    def authority(self) -> str:
        """The certificate that signs the gateway's names, PEM."""
        return self._open_authority().pem

    async def rotate_log(self, *, most_bytes: int = access_log.MOST_BYTES) -> None:
        """Begin a new access log when it has grown beyond this. Raises GatewayUnavailable."""
        detached.cut(self.folder / process.PROCESS_LOG)
        detached.cut(self.folder / nameserver.RESOLVER_LOG)
        if access_log.rotate(self.folder / ACCESS_LOG, most_bytes=most_bytes) and self._admin:
            await self._admin.reopen_logs()

    @property
    def _http(self) -> Address:
        return Address(self._cell.listen, self._cell.http)

    @property
    def _https(self) -> Address:
        return Address(self._cell.listen, self._cell.https)

    async def _serve(self, config: ProxyConfig) -> None:
        if self._publisher is None or self._names is None:
            raise _not_started()
        try:
            await self._publisher.publish(await self._resources(config))
            await self._names.publish(config.names)  # after the doors they lead to
        except OSError as error:
            raise GatewayUnavailable(
                f"the gateway's files cannot be written: {error}", subject="gateway"
            ) from error
        names = self._certified(config)
        if self._authority is not None and names != self._pruned:
            self._authority.prune(names)
            self._pruned = names

    async def _resources(self, config: ProxyConfig) -> Resources:
        authority = self._open_authority()
        names = self._certified(config)
        now = self._clock.now()
        files = await asyncio.to_thread(authority.leaves, names, now)
        key = str(authority.leaf_key)
        certificates = {name: Certificate(chain=str(files[name]), key=key) for name in names}
        around = Surroundings(
            http=self._http,
            https=self._https,
            routes_file=ROUTES_FILE,
            log_file=ACCESS_LOG,
            fallback=certificates.pop(self._cell.domain),
        )
        return resources(config, certificates, around)

    def _certified(self, config: ProxyConfig) -> list[str]:
        """The names with a certificate: every host, and the domain for those unknown."""
        return sorted({self._cell.domain, *(route.host.lower() for route in config.routes)})

    def _open_authority(self) -> Authority:
        if self._authority is None:
            folder = self.folder / AUTHORITY_FOLDER
            self._authority = open_authority(folder, self._clock.now())
        return self._authority

    def _write_bootstrap(self) -> None:
        # A request takes two descriptors, one on each side; a fifth is left for listeners.
        most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        content = orjson.dumps(bootstrap(max_connections=max(256, most_files * 2 // 5)))
        path = self.folder / process.BOOTSTRAP_FILE
        if not path.exists() or path.read_bytes() != content:
            replace(path, content)

    def _check_ports(self) -> None:
        running = process.find(self.folder)
        taken = self._publisher.listening() if running and self._publisher else frozenset()
        for address, setting in ((self._http, "http"), (self._https, "https")):
            if address not in taken:
                check_free(address, setting=setting)

    async def _tend(self) -> None:
        """Each step carries on if one before failed: none is worth the others."""
        while True:
            await self._clock.sleep(TEND_SECONDS)
            with suppress(GatewayUnavailable, OSError):
                await self.rotate_log()
            with suppress(GatewayUnavailable, OSError):
                await self._refresh(self._clock.now())

    async def _refresh(self, now: datetime) -> None:
        """Renew certificates that end soon, and have what was refused tried again."""
        wanted = self._wanted
        if wanted is None or self._authority is None or self._publisher is None:
            return
        due = self._authority.due(self._certified(wanted), now)
        named = self._names is None or await self._names.up_to_date()
        if due or not named or not await self._publisher.up_to_date():
            await self.program(wanted)


def _empty(folder: Path) -> None:
    with suppress(FileNotFoundError):
        for path in list(folder.iterdir()):
            if path.name != AUTHORITY_FOLDER:
                path.unlink()


def _not_started() -> GatewayUnavailable:
    return GatewayUnavailable("the gateway was not started", subject="gateway", hint="skerry up")
