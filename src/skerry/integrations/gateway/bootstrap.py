"""What Envoy is started with: where its files are, and nothing that ever changes."""

from skerry.integrations.gateway import http
from skerry.integrations.gateway.shapes import Resource, extension, watched

ADMIN_SOCKET = "admin.sock"
PROBE_SOCKET = "probe.sock"
CLUSTERS_FILE = "clusters.json"
ROUTES_FILE = "routes.json"
LISTENERS_FILE = "listeners.json"
ACCESS_LOG = "access.log"

# Of a thousand services Envoy would keep a hundred numbers each. These are the ones read.
_KEPT = (
    r"^cluster\..*\.(upstream_rq_(time|total|active|[1-5]xx|retry|retry_success|timeout)"
    r"|upstream_cx_(active|total|connect_fail|rx_bytes_total|tx_bytes_total)"
    r"|membership_(healthy|total)|outlier_detection\.ejections_active)$"
)


def bootstrap(*, max_connections: int) -> Resource:
    """The whole of it. Relative paths: Envoy's working directory is the gateway's folder, for
    the path of a Unix socket may not be longer than 107 bytes."""
    return {
        "node": {"id": "skerry", "cluster": "skerry"},
        "admin": {
            "address": {"pipe": {"path": ADMIN_SOCKET, "mode": 0o600}},
            "ignore_global_conn_limit": True,
        },
        "dynamic_resources": {
            "cds_config": watched(CLUSTERS_FILE),
            "lds_config": watched(LISTENERS_FILE),
        },
        "static_resources": {"listeners": [_probe()]},
        "stats_flush_on_admin": True,
        "stats_config": {"stats_matcher": _stats()},
        "deferred_stat_options": {"enable_deferred_creation_stats": True},
        "overload_manager": {
            "resource_monitors": [
                extension(
                    "envoy.resource_monitors.global_downstream_max_connections",
                    "extensions.resource_monitors.downstream_connections.v3"
                    ".DownstreamConnectionsConfig",
                    max_active_downstream_connections=max_connections,
                )
            ]
        },
        "layered_runtime": {"layers": [_runtime()]},
    }


def _runtime() -> Resource:
    return {"name": "static", "static_layer": {"re2": {"max_program_size": {"warn_level": 1000}}}}


def _probe() -> Resource:
    """A listener whose connections Envoy spreads evenly: as many as workers, one on each."""
    return {
        "name": "probe",
        "address": {"pipe": {"path": PROBE_SOCKET, "mode": 0o600}},
        "stat_prefix": "probe",
        "ignore_global_conn_limit": True,
        "connection_balance_config": {"exact_balance": {}},
        "filter_chains": [{"filters": [http.probe()]}],
    }


def _stats() -> Resource:
    patterns: list[Resource] = [
        {"prefix": "cluster_manager."},
        {"prefix": "listener_manager."},
        {"prefix": "http.public."},
        {"prefix": "http.door."},
        {"prefix": "tcp.door."},
        {"prefix": "server."},
        {"safe_regex": {"regex": _KEPT}},
    ]
    return {"inclusion_list": {"patterns": patterns}}
