"""The public listeners: HTTP, and HTTPS with a certificate per name."""

from collections.abc import Mapping
from dataclasses import dataclass

from skerry.integrations.gateway import http
from skerry.integrations.gateway.shapes import Resource, extension, socket
from skerry.model.proxy import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate's files, as Envoy reads them."""

    chain: str
    key: str


def http_listener(address: Address, *, routes_file: str, log_file: str) -> Resource:
    """Plain HTTP/1.1 and HTTP/2 with prior knowledge."""
    return {
        "name": "http",
        "address": socket(address),
        "stat_prefix": "http",
        "filter_chains": [{"filters": [http.public(routes_file, log_file)]}],
    }


def https_listener(
    address: Address,
    certificates: Mapping[str, Certificate],
    *,
    fallback: Certificate,
    routes_file: str,
    log_file: str,
) -> Resource:
    """TLS by name. Each name is a filter chain of its own and depends on nothing but its
    certificate, so that a name added or removed leaves every other connection alone."""
    filter = http.public(routes_file, log_file)
    return {
        "name": "https",
        "address": socket(address),
        "stat_prefix": "https",
        "listener_filters": [
            extension(
                "envoy.filters.listener.tls_inspector",
                "extensions.filters.listener.tls_inspector.v3.TlsInspector",
            )
        ],
        "filter_chains": [
            {
                "name": name,
                "filter_chain_match": {"server_names": [name]},
                "filters": [filter],
                "transport_socket": _tls(certificates[name]),
            }
            for name in sorted(certificates)
        ],
        "default_filter_chain": {
            "name": "any other name",
            "filters": [filter],
            "transport_socket": _tls(fallback),
        },
    }


def _tls(certificate: Certificate) -> Resource:
    return extension(
        "envoy.transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        common_tls_context={
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "tls_certificates": [
                {
                    "certificate_chain": {"filename": certificate.chain},
                    "private_key": {"filename": certificate.key},
                }
            ],
        },
    )
