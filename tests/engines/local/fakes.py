"""Ports of the local engine without the world behind them."""

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Network

from skerry.errors import GatewayUnavailable, NotFound
from skerry.model.proxy import Address, GatewayStatus, ProxyConfig
from skerry.model.secret import SecretValue


class FakeGateway:
    """Remembers all it was told. `connected` are the addresses it says it is connected to."""

    def __init__(self) -> None:
        self.programmed: list[ProxyConfig] = []
        self.connected: set[Address] = set()
        self.down = False
        self.seconds = 0.0

    @property
    def config(self) -> ProxyConfig:
        """The last it was told."""
        return self.programmed[-1] if self.programmed else ProxyConfig()

    def endpoints(self, backend: str) -> tuple[Address, ...]:
        """Where it would send requests for a backend."""
        found = (one.endpoints for one in self.config.backends if one.name == backend)
        return next(found, ())

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to close."""

    async def stop(self) -> None:
        """Nothing to stop."""

    async def program(self, config: ProxyConfig) -> None:
        if self.down:
            raise GatewayUnavailable("is down", subject="gateway")
        await asyncio.sleep(self.seconds)
        self.programmed.append(config)

    async def busy(self, addresses: Sequence[Address]) -> frozenset[Address]:
        if self.down:
            raise GatewayUnavailable("is down", subject="gateway")
        return frozenset(self.connected & set(addresses))

    async def upgrade(self) -> None:
        """Nothing to upgrade."""

    def status(self) -> GatewayStatus:
        return GatewayStatus(live=not self.down, reason="a fake")

    def authority(self) -> str:
        return ""


class FakeSecrets:
    """Knows what the test told it."""

    def __init__(self, **values: str) -> None:
        self.values = values

    async def resolve(self, reference: str) -> SecretValue:
        name = reference.partition(":")[2]
        if name not in self.values:
            raise NotFound(
                "is not set", subject=f"secret/{name}", hint=f"skerry secrets set {name}"
            )
        return SecretValue(self.values[name])

    async def fingerprint(self, reference: str) -> str:
        return f"fingerprint-of-{reference}"


class FakeMachine:
    """A machine with the routes it is given."""

    def __init__(self, *taken: str) -> None:
        self.routes = {IPv4Network(one) for one in taken}
        self.walls: set[IPv4Network] = set()

    async def taken(self) -> tuple[IPv4Network, ...]:
        return tuple(sorted(self.routes))

    async def claim(self, network: IPv4Network) -> bool:
        free = network not in self.routes
        self.routes.add(network)
        return free

    async def release(self, network: IPv4Network) -> None:
        self.routes.discard(network)

    async def wall(self, network: IPv4Network, whole: IPv4Network) -> None:
        self.walls.add(network)

    async def unwall(self, network: IPv4Network, whole: IPv4Network) -> None:
        self.walls.discard(network)

    async def pin(self, bridge: str, address: str) -> None:
        """No bridges here."""

    async def ran_out_of_memory(self, container: str) -> bool:
        return False
