"""Backends as Envoy clusters, endpoints inline."""

from skerry.integrations.gateway.shapes import Resource, socket, typed
from skerry.model.proxy import Backend

# Application servers close idle connections after 2 s (gunicorn) to 5 s (Node, uvicorn). A
# request sent into that moment is lost, so the gateway lets go first.
UPSTREAM_IDLE = "1.5s"
CONNECT_TIMEOUT = "2s"
# Envoy's default of 1,024 connections per cluster is a limit nobody asked for.
UNLIMITED = 1_000_000


def cluster(backend: Backend) -> Resource:
    """One backend; its name is the cluster's."""
    resource: Resource = {
        "name": backend.name,
        "type": "STATIC",
        "connect_timeout": CONNECT_TIMEOUT,
        "lb_policy": "LEAST_REQUEST",
        "circuit_breakers": {"thresholds": [_thresholds()]},
        "load_assignment": {
            "cluster_name": backend.name,
            "endpoints": [{"lb_endpoints": [_endpoint(backend, at) for at in _hosts(backend)]}],
        },
        "upstream_connection_options": {
            "tcp_keepalive": {"keepalive_time": 60, "keepalive_interval": 10}
        },
    }
    if backend.protocol != "tcp":
        resource["typed_extension_protocol_options"] = {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": _http(backend.protocol)
        }
    if len(backend.endpoints) > 1:
        resource["outlier_detection"] = _outliers(len(backend.endpoints))
    return resource


def _hosts(backend: Backend) -> list[int]:
    return sorted(range(len(backend.endpoints)), key=lambda index: backend.endpoints[index])


def _endpoint(backend: Backend, index: int) -> Resource:
    return {"endpoint": {"address": socket(backend.endpoints[index])}}


def _thresholds() -> Resource:
    return {
        "max_connections": UNLIMITED,
        "max_pending_requests": UNLIMITED,
        "max_requests": UNLIMITED,
        "max_retries": 1000,
    }


def _http(protocol: str) -> Resource:
    explicit: Resource = (
        {"http2_protocol_options": {"allow_connect": True}}
        if protocol == "grpc"
        else {"http_protocol_options": {}}
    )
    return typed(
        "extensions.upstreams.http.v3.HttpProtocolOptions",
        common_http_protocol_options={
            "idle_timeout": UPSTREAM_IDLE,
            "max_headers_count": 1000,
            "max_response_headers_kb": 256,
        },
        explicit_http_config=explicit,
    )


def _outliers(replicas: int) -> Resource:
    """Eject only who does not take connections, and never the last one. An application's own
    5xx is its answer, not a reason to leave fewer replicas with the load."""
    return {
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": 5,
        "enforcing_consecutive_local_origin_failure": 100,
        "enforcing_local_origin_success_rate": 0,
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "interval": "1s",
        "base_ejection_time": "2s",
        "max_ejection_time": "10s",
        "max_ejection_percent": 100 * (replicas - 1) // replicas,
    }
