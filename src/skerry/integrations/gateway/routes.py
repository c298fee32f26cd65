"""Public routes as one Envoy route table, shared by HTTP and HTTPS."""

from collections.abc import Iterable

from skerry.integrations.gateway.shapes import Resource
from skerry.model.proxy import PublicRoute, WeightedBackend

TABLE = "public"

# Only what cannot have reached the application is tried again: a request that may have been
# processed is the caller's to repeat.
RETRY: Resource = {
    "retry_on": "connect-failure,refused-stream,reset-before-request",
    "num_retries": 4,
    "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.25s"},
    "retry_host_predicate": [
        {
            "name": "envoy.retry_host_predicates.previous_hosts",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3"
                ".PreviousHostsPredicate"
            },
        }
    ],
    "host_selection_retry_max_attempts": 3,
}


def route_table(routes: Iterable[PublicRoute]) -> Resource:
    """Every public route. Hosts are matched without regard to the port asked for; within a
    host the longest path wins."""
    by_host: dict[str, list[PublicRoute]] = {}
    for route in routes:
        by_host.setdefault(route.host.lower(), []).append(route)
    return {
        "name": TABLE,
        "ignore_port_in_host_matching": True,
        "virtual_hosts": [_virtual_host(host, by_host[host]) for host in sorted(by_host)],
        "request_headers_to_add": [
            {
                "header": {"key": "x-forwarded-host", "value": "%REQ(:AUTHORITY)%"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
    }


def everything_to(backend: str) -> Resource:
    """A table that sends every request to one backend."""
    routes = [{"match": {"prefix": "/"}, "route": action((WeightedBackend(backend=backend),))}]
    return {
        "name": backend,
        "virtual_hosts": [{"name": backend, "domains": ["*"], "routes": routes}],
    }


def action(backends: tuple[WeightedBackend, ...]) -> Resource:
    """Where requests go. No time limit for the whole answer: a download lasts as it lasts."""
    common: Resource = {"timeout": "0s", "retry_policy": RETRY}
    if len(backends) == 1:
        return {"cluster": backends[0].backend, **common}
    shares = [{"name": share.backend, "weight": share.weight} for share in backends]
    return {"weighted_clusters": {"clusters": shares}, **common}


def _virtual_host(host: str, routes: list[PublicRoute]) -> Resource:
    ordered = sorted(routes, key=lambda route: (-len(_trimmed(route.path)), route.path))
    return {
        "name": host,
        "domains": [host],
        "routes": [
            {"match": _match(route.path), "route": action(route.backends)} for route in ordered
        ],
    }


def _match(path: str) -> Resource:
    """`/shop` matches `/shop` and `/shop/cart`, not `/shopping`."""
    trimmed = _trimmed(path)
    return {"path_separated_prefix": trimmed} if trimmed else {"prefix": "/"}


def _trimmed(path: str) -> str:
    return path.rstrip("/")
