"""Doors: the stable addresses by which services reach each other, as Envoy listeners."""

from ipaddress import IPv4Network

from skerry.integrations.gateway import http
from skerry.integrations.gateway.routes import everything_to
from skerry.integrations.gateway.shapes import Resource, extension, prefix, socket
from skerry.model.proxy import Door


def door_listener(door: Door, protocol: str, *, log_file: str) -> Resource:
    """One listener per address; a visitor from no admitted network is cut off.

    Each network has a filter chain of its own, so that admitting one more leaves the
    connections of the others alone.
    """
    return {
        "name": f"door/{door.address.host}:{door.address.port}",
        "address": socket(door.address),
        # The route that makes the address local may come later than the listener.
        "freebind": True,
        "stat_prefix": "door",
        "filter_chains": [
            _chain(door, source, _filter(door, protocol, log_file))
            for source in sorted(set(door.sources))
        ],
    }


def _chain(door: Door, source: IPv4Network, filter: Resource) -> Resource:
    return {
        "name": f"{door.backend} from {source}",
        "filter_chain_match": {"source_prefix_ranges": [prefix(source)]},
        "filters": [filter],
    }


def _filter(door: Door, protocol: str, log_file: str) -> Resource:
    if protocol == "tcp":
        return _tcp(door.backend)
    return http.door(everything_to(door.backend), log_file)


def _tcp(backend: str) -> Resource:
    return extension(
        "envoy.filters.network.tcp_proxy",
        "extensions.filters.network.tcp_proxy.v3.TcpProxy",
        stat_prefix="door",
        cluster=backend,
        idle_timeout="0s",  # a database connection may rest for a night
        max_connect_attempts=4,
    )
