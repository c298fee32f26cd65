"""Name tables as Envoy UDP listeners."""

from collections.abc import Sequence
from ipaddress import IPv4Address

from skerry.integrations.gateway.shapes import Resource, extension, socket, typed
from skerry.model.proxy import Address, NameTable

DNS_PORT = 53
TTL = "30s"  # the least Envoy allows; addresses of doors are kept for life


def name_listener(table: NameTable, *, resolvers: Sequence[Address]) -> Resource:
    """Answers the table's names itself and asks `resolvers` for every other."""
    filter = extension(
        "envoy.filters.udp.dns_filter",
        "extensions.filters.udp.dns_filter.v3.DnsFilterConfig",
        stat_prefix="names",
        server_config={"inline_dns_table": {"virtual_domains": _domains(table)}},
    )
    if resolvers:
        filter["typed_config"]["client_config"] = _forwarding(resolvers)
    return {
        "name": f"names/{table.resolver}",
        "address": socket(Address(str(table.resolver), DNS_PORT), udp=True),
        "freebind": True,
        "stat_prefix": "names",
        "udp_listener_config": {"downstream_socket_config": {}},
        "listener_filters": [filter],
    }


def _domains(table: NameTable) -> list[Resource]:
    return [_domain(name, address) for name, address in sorted(set(table.names))]


def _domain(name: str, address: IPv4Address) -> Resource:
    """Both families: for a name without an IPv6 address Envoy says NXDOMAIN to AAAA, and musl
    then gives up on the name. The mapped form is reached over IPv4."""
    both = [str(address), f"::ffff:{address}"]
    return {
        "name": name.lower(),
        "endpoint": {"address_list": {"address": both}},
        "answer_ttl": TTL,
    }


def _forwarding(resolvers: Sequence[Address]) -> Resource:
    return {
        "resolver_timeout": "5s",
        "max_pending_lookups": 1024,
        "typed_dns_resolver_config": {
            "name": "envoy.network.dns_resolver.cares",
            "typed_config": typed(
                "extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
                resolvers=[socket(address) for address in resolvers],
                dns_resolver_options={"no_default_search_domain": True},
            ),
        },
    }
