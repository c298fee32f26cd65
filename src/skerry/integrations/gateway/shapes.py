"""The small pieces Envoy's configuration is made of."""

from ipaddress import IPv4Network
from typing import Any

from skerry.model.proxy import Address

Resource = dict[str, Any]

_TYPES = "type.googleapis.com/envoy."


def typed(kind: str, **fields: Any) -> Resource:
    """A message of Envoy's type `envoy.<kind>`."""
    return {"@type": _TYPES + kind, **fields}


def extension(name: str, kind: str, **fields: Any) -> Resource:
    """A named extension with its configuration."""
    return {"name": name, "typed_config": typed(kind, **fields)}


def socket(address: Address) -> Resource:
    """An address to listen on or to connect to."""
    return {"socket_address": {"address": address.host, "port_value": address.port}}


def prefix(network: IPv4Network) -> Resource:
    """A range of source addresses."""
    return {"address_prefix": str(network.network_address), "prefix_len": network.prefixlen}


def watched(path: str) -> Resource:
    """A source of configuration that is a file Envoy watches, in its working directory."""
    return {"path_config_source": {"path": f"./{path}"}, "resource_api_version": "V3"}
