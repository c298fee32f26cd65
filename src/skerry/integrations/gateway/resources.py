"""A ProxyConfig as what Envoy reads: clusters, routes and listeners. Pure and deterministic:
equal in, equal bytes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson

from skerry.integrations.gateway.clusters import cluster
from skerry.integrations.gateway.doors import door_listener
from skerry.integrations.gateway.listeners import Certificate, http_listener, https_listener
from skerry.integrations.gateway.routes import route_table
from skerry.integrations.gateway.shapes import Resource, typed
from skerry.model.proxy import Address, Backend, Door, ProxyConfig, PublicRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the gateway needs to know besides what it serves. Paths as Envoy opens them."""

    http: Address
    https: Address
    routes_file: str
    log_file: str
    fallback: Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """One list per file, each resource in JSON; clusters by name."""

    clusters: Mapping[str, bytes]
    routes: Sequence[bytes]
    listeners: Sequence[bytes]


def resources(
    config: ProxyConfig, certificates: Mapping[str, Certificate], around: Surroundings
) -> Resources:
    """Everything Envoy serves for this configuration. Hosts without a certificate are served
    over HTTP, and over HTTPS with the fallback's."""
    backends = {backend.name: backend for backend in config.backends}
    protocols = {name: backend.protocol for name, backend in backends.items()}
    doors = sorted(config.doors, key=lambda door: door.address)
    chains = tuple(sorted(certificates.items()))
    return Resources(
        clusters={name: _cluster(backends[name]) for name in sorted(backends)},
        routes=(_routes(config.routes),),
        listeners=(
            *_public(chains, around),
            *(_door(door, protocols.get(door.backend, "tcp"), around.log_file) for door in doors),
        ),
    )


# From one configuration to the next nearly everything is equal. What was made of an equal
# part is remembered: of a thousand services, a changed endpoint renders one cluster anew.


@lru_cache(maxsize=16_384)
def _cluster(backend: Backend) -> bytes:
    return _json("config.cluster.v3.Cluster", cluster(backend))


@lru_cache(maxsize=2)
def _routes(routes: tuple[PublicRoute, ...]) -> bytes:
    return _json("config.route.v3.RouteConfiguration", route_table(routes))


@lru_cache(maxsize=2)
def _public(
    chains: tuple[tuple[str, Certificate], ...], around: Surroundings
) -> tuple[bytes, bytes]:
    files = {"routes_file": around.routes_file, "log_file": around.log_file}
    https = https_listener(around.https, dict(chains), fallback=around.fallback, **files)
    return _listener(http_listener(around.http, **files)), _listener(https)


@lru_cache(maxsize=16_384)
def _door(door: Door, protocol: str, log_file: str) -> bytes:
    return _listener(door_listener(door, protocol, log_file=log_file))


def _listener(listener: Resource) -> bytes:
    return _json("config.listener.v3.Listener", listener)


def _json(kind: str, resource: Resource) -> bytes:
    return orjson.dumps(typed(kind, **resource))
