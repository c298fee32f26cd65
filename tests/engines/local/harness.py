"""The local engine in the conformance suite, and a bench for its own tests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest

from skerry.clock import SystemClock
from skerry.engines.local.addressbook import AddressBook
from skerry.engines.local.containers import JOB, ROLE
from skerry.engines.local.engine import LocalEngine, Parts
from skerry.engines.local.host import Host, Reach, look_at
from skerry.engines.local.machine import LinuxMachine
from skerry.engines.local.networks import Networks
from skerry.engines.local.runtime import Runtime
from skerry.model.cell import LOCAL
from skerry.model.keys import ServiceKey
from skerry.model.world import Observation, Snapshot
from skerry.observer.understand import understand
from skerry.ports import Engine
from tests.builders import ServiceBuilder, service
from tests.conformance.world import applied, settled
from tests.engines.local.fakes import FakeGateway, FakeSecrets
from tests.fakes.store import MemoryStore


@dataclass
class Bench:
    """A local engine on a real container engine, with fakes for the rest, that can be dropped
    and started anew as a killed server would."""

    host: Host
    instance: str
    store: MemoryStore = field(default_factory=MemoryStore)
    gateway: FakeGateway = field(default_factory=FakeGateway)
    secrets: FakeSecrets = field(default_factory=FakeSecrets)
    reach: Reach = Reach.ROUTED
    patience: float = 30.0
    image: str = ""

    def __post_init__(self) -> None:
        self.engine = self.new_engine()
        self.runtime = Runtime(self.host.api, self.instance)

    def new_engine(self) -> LocalEngine:
        """Another engine of the same instance, with the same memory."""
        return LocalEngine(
            Parts(
                cell=LOCAL,
                instance=self.instance,
                api=self.host.api,
                store=self.store,
                gateway=self.gateway,
                secrets=self.secrets,
                clock=SystemClock(),
                reach=self.reach,
                ulimits=self.host.ulimits,
                json_logs=self.host.json_logs,
            )
        )

    def web(self, name: str = "web", **env: str) -> ServiceBuilder:
        """A service of the test image."""
        return web(name, **env).image(self.image)

    async def apply(self, *services: ServiceBuilder) -> None:
        """Plan and apply, without waiting."""
        await applied(self, *services)

    async def until(
        self, holds: Callable[[Observation], bool], *, within_seconds: float = 30.0
    ) -> Observation:
        """The first observation for which that is true."""
        seen = await self.engine.observe()
        try:
            async with asyncio.timeout(within_seconds):
                async for seen in self.engine.watch():
                    if holds(seen):
                        return seen
        except TimeoutError:
            raise AssertionError(f"did not come true; last seen: {seen.pods}") from None
        raise AssertionError("a watch never ends")

    async def running(self, *keys: ServiceKey) -> Snapshot:
        """Wait for these services to run, with nothing draining."""
        for key in keys:
            await settled(self, key)
        return understand(await self.engine.observe())

    async def get(self, host: str, path: str = "/", port: int = 8080) -> tuple[int, str]:
        """Ask a replica directly."""
        url = f"http://{host}:{port}{path}"
        async with aiohttp.ClientSession() as client, client.get(url) as answer:
            return answer.status, await answer.text()

    def networks(self) -> Networks:
        """The instance's networks, looked at from outside."""
        machine = LinuxMachine()
        book = AddressBook(self.store, machine, stable=True)
        return Networks(self.host.api, book, machine=machine, instance=self.instance, routed=True)

    async def network_gone(self, namespace: str) -> None:
        """Wait until a namespace has no network any more."""
        for _ in range(200):
            if namespace not in await self.networks().existing():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"the network of {namespace} is still there")

    async def volume_gone(self, name: str) -> None:
        """Wait until a volume is not there any more."""
        for _ in range(200):
            if name not in await self.runtime.volumes():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"volume {name} is still there")

    async def killed_and_started(self) -> None:
        """As after SIGKILL of the server: memory gone, everything else as it was."""
        await self.engine.close()
        self.engine = self.new_engine()
        await self.engine.start()


@asynccontextmanager
async def open_bench(
    url: str, instance: str, *, reach: Reach = Reach.ROUTED
) -> AsyncIterator[Bench]:
    """A started bench; nothing of it is left in the end."""
    host = await look_at(url)
    assert host is not None
    bench = Bench(host, instance, reach=reach)
    await bench.engine.start()
    try:
        yield bench
    finally:
        await bench.engine.destroy(volumes=True)
        await host.api.close()


class LocalWorld:
    """The local engine, as the conformance suite sees it."""

    def __init__(self, bench: Bench, image: str) -> None:
        self._bench = bench
        self._image = image
        self.engine: Engine = bench.engine
        self.patience = bench.patience
        self._planted: dict[str, str] = {}

    def service(self, name: str) -> ServiceBuilder:
        return web(name).image(self.image(1))

    def image(self, version: int) -> str:
        name, _, _ = self._image.rpartition(":")
        return f"{name}:v{version}"

    def exiting(self, builder: ServiceBuilder) -> ServiceBuilder:
        return builder.having(env={**_env(builder), "EXIT": "1", "SAY": "cannot go on"})

    def never_ready(self, builder: ServiceBuilder) -> ServiceBuilder:
        return builder.having(env={**_env(builder), "READY_AFTER": "never"})

    def missing(self, builder: ServiceBuilder) -> ServiceBuilder:
        return builder.image("localhost/skerry/nowhere:1")

    async def one_offs(self) -> Collection[str]:
        found = await self._bench.runtime.list()
        return [one.name for one in found if one.labels.get(ROLE) == JOB]

    async def plant(self, name: str) -> None:
        planted = f"{name}-of-somebody-else-{self._bench.instance}"
        await self._bench.host.api.call("POST", "volumes/create", body={"Name": planted})
        body = {"Image": self._image, "HostConfig": {"NetworkMode": "none"}}
        await self._bench.host.api.call(
            "POST", "containers/create", query={"name": planted}, body=body
        )
        self._planted[name] = planted

    async def intact(self, name: str) -> bool:
        planted = self._planted[name]
        await self._bench.host.api.call("GET", f"volumes/{planted}")
        return await self._bench.runtime.inspect(planted) is not None

    async def pull_up(self) -> None:
        """Take away what was planted."""
        for planted in self._planted.values():
            await self._bench.runtime.remove(planted)
            await self._bench.runtime.remove_volume(planted)


def _env(builder: ServiceBuilder) -> Mapping[str, str]:
    found: Mapping[str, str] = builder.document.get("env", {})
    return found


@asynccontextmanager
async def local_world(request: pytest.FixtureRequest) -> AsyncIterator[LocalWorld]:
    """A World on the machine's container engine."""
    request.getfixturevalue("needs").root()
    url, instance = request.getfixturevalue("docker_url"), request.getfixturevalue("instance")
    image = request.getfixturevalue("test_image")
    async with open_bench(url, instance) as bench:
        await tag_versions(bench, image)
        world = LocalWorld(bench, image)
        yield world
        await world.pull_up()


async def tag_versions(bench: Bench, image: str, count: int = 2) -> None:
    """Give the test image more names: each version another."""
    name, _, _ = image.rpartition(":")
    for version in range(1, count + 1):
        await bench.host.api.call(
            "POST",
            f"images/{image.replace('/', '%2F')}/tag",
            query={"repo": name, "tag": f"v{version}"},
        )


def web(name: str = "web", **env: str) -> ServiceBuilder:
    """A service of the test image (`image` is still to be said), checked at /healthz."""
    return service(name).having(
        health={"path": "/healthz", "interval": "1s", "timeout": "1s", "start": "5s"},
        env={"SAY": f"{name} starts", **env},
        resources={"cpu": "1", "memory": "64Mi"},
        drain="2s",
    )
