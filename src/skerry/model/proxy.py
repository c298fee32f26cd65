"""What a gateway is told: the whole of it, each time. It finds out what differs."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple


class Address(NamedTuple):
    """Where a replica, or the gateway itself, listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A service's ready replicas. `name` is unique: `namespace/service`."""

    name: str
    protocol: str  # http, grpc, tcp
    endpoints: tuple[Address, ...]
    drain_seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedBackend:
    """A share of a route's requests."""

    backend: str
    weight: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicRoute:
    """Requests from outside for `host` and under `path`; the longest path wins."""

    host: str
    path: str
    backends: tuple[WeightedBackend, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A stable address by which services reach a backend. Only `sources` get in."""

    address: Address
    backend: str
    sources: tuple[IPv4Network, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NameTable:
    """The names one namespace's containers can look up at `resolver`, port 53. Other names
    are asked of the machine's own resolvers."""

    resolver: IPv4Address
    names: tuple[tuple[str, IPv4Address], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfig:
    """All a gateway serves."""

    backends: tuple[Backend, ...] = ()
    routes: tuple[PublicRoute, ...] = ()
    doors: tuple[Door, ...] = ()
    names: tuple[NameTable, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStatus:
    """How the gateway is."""

    live: bool
    reason: str
    version: str = ""
    pid: int | None = None
    http: Address | None = None
    https: Address | None = None
