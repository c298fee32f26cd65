"""What to program, said shortly."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from skerry.model.proxy import (
    Address,
    Backend,
    Door,
    NameTable,
    ProxyConfig,
    PublicRoute,
    WeightedBackend,
)


def serving(**services: tuple[Address, ...] | Address) -> ProxyConfig:
    """`serving(web=address)`: web at http://web.localhost/, and so on."""
    config = ProxyConfig()
    for name, addresses in services.items():
        endpoints = (addresses,) if isinstance(addresses, Address) else addresses
        config = with_backend(config, name, endpoints)
        config = with_route(config, f"{name}.localhost", name)
    return config


def with_backend(
    config: ProxyConfig, name: str, endpoints: tuple[Address, ...], *, protocol: str = "http"
) -> ProxyConfig:
    """One backend more, `default/name`."""
    backend = Backend(name=f"default/{name}", protocol=protocol, endpoints=endpoints)
    return replace(config, backends=(*config.backends, backend))


def with_route(config: ProxyConfig, host: str, name: str, *, path: str = "/") -> ProxyConfig:
    """One public route more, to `default/name`."""
    backends = (WeightedBackend(backend=f"default/{name}"),)
    return replace(
        config, routes=(*config.routes, PublicRoute(host=host, path=path, backends=backends))
    )


def with_door(config: ProxyConfig, address: Address, name: str, *sources: str) -> ProxyConfig:
    """One door more, to `default/name`."""
    networks = tuple(IPv4Network(source) for source in sources)
    door = Door(address=address, backend=f"default/{name}", sources=networks)
    return replace(config, doors=(*config.doors, door))


def with_names(config: ProxyConfig, resolver: str, **names: str) -> ProxyConfig:
    """One name table more."""
    pairs = tuple((name, IPv4Address(address)) for name, address in names.items())
    table = NameTable(resolver=IPv4Address(resolver), names=pairs)
    return replace(config, names=(*config.names, table))
