"""How the gateway speaks HTTP, to the outside and between services."""

from skerry.integrations.gateway.routes import TABLE
from skerry.integrations.gateway.shapes import Resource, extension, watched

# A WebSocket or an event stream may be silent for that long; keep-alives are rarer than one
# would wish.
STREAM_IDLE = "3600s"
# A connection without a request; browsers keep theirs for minutes, and each would keep a
# replaced process alive.
PUBLIC_IDLE = "75s"
MAX_HEADERS_KB = 256
_LIMITS: Resource = {"max_headers_count": 1000}

# Without a range of its own Envoy takes every private address for a trusted client.
_NOBODY: Resource = {"address_prefix": "0.0.0.0", "prefix_len": 32}

_LOGGED: Resource = {
    "time": "%START_TIME%",
    "via": "",
    "method": "%REQ(:METHOD)%",
    "host": "%REQ(:AUTHORITY)%",
    "path": "%PATH(NQ)%",  # without the query, which may hold what nobody should read
    "protocol": "%PROTOCOL%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "ms": "%DURATION%",
    "received": "%BYTES_RECEIVED%",
    "sent": "%BYTES_SENT%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "service": "%UPSTREAM_CLUSTER%",
    "replica": "%UPSTREAM_HOST%",
    "request": "%REQ(X-REQUEST-ID)%",
}


def public(routes_file: str, log_file: str) -> Resource:
    """The filter for requests from outside. Clients are believed nothing: what they say in
    `X-Forwarded-*` and `X-Envoy-*` is replaced."""
    source: Resource = {
        "rds": {"config_source": watched(routes_file), "route_config_name": TABLE},
        "use_remote_address": True,
        "append_x_forwarded_port": True,
        "normalize_path": True,
        "common_http_protocol_options": {**_LIMITS, "idle_timeout": PUBLIC_IDLE},
    }
    return _manager("public", source, log_file)


def door(routes: Resource, log_file: str) -> Resource:
    """The filter for requests between services: as if there were no proxy, so that a service
    may hand on `X-Forwarded-*` as it got them."""
    source: Resource = {
        "route_config": routes,
        "use_remote_address": False,
        "common_http_protocol_options": _LIMITS,
    }
    return _manager("door", source, log_file)


def probe() -> Resource:
    """The filter that answers every request with 204: proof that a worker is at work."""
    routes = [{"match": {"prefix": "/"}, "direct_response": {"status": 204}}]
    return extension(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="probe",
        route_config={"virtual_hosts": [{"name": "probe", "domains": ["*"], "routes": routes}]},
        http_filters=[_router()],
    )


def _manager(prefix: str, source: Resource, log_file: str) -> Resource:
    return extension(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=prefix,
        codec_type="AUTO",
        http_filters=[_router()],
        upgrade_configs=[{"upgrade_type": "websocket"}],
        http2_protocol_options={"allow_connect": True},
        http_protocol_options={"accept_http_10": True},
        max_request_headers_kb=MAX_HEADERS_KB,
        stream_idle_timeout=STREAM_IDLE,
        request_headers_timeout="60s",
        internal_address_config={"cidr_ranges": [_NOBODY]},
        preserve_external_request_id=True,
        server_name="skerry",
        server_header_transformation="PASS_THROUGH",
        local_reply_config=_replies(),
        access_log=[_log(prefix, log_file)],
        **source,
    )


def _router() -> Resource:
    return extension(
        "envoy.filters.http.router",
        "extensions.filters.http.router.v3.Router",
        suppress_envoy_headers=True,
    )


def _log(via: str, path: str) -> Resource:
    return extension(
        "envoy.access_loggers.file",
        "extensions.access_loggers.file.v3.FileAccessLog",
        path=path,
        log_format={"json_format": {**_LOGGED, "via": via}},
    )


def _replies() -> Resource:
    """What the gateway says when no service answers: one sentence, and what helps."""
    service = "%UPSTREAM_CLUSTER%"
    return {
        "mappers": [
            _reply(
                ["NR"],
                "404: nothing is served at %REQ(:AUTHORITY)%%PATH(NQ)%."
                " `skerry status` lists what is.",
            ),
            _reply(["UH"], f"503: no replica of {service} is ready. `skerry status` says why."),
            _reply(["NC"], f"503: the service {service} does not run here."),
            _reply(["UF", "URX"], f"503: {service} takes no connection. `skerry status` says why."),
            _reply(
                ["UC", "UPE"],
                f"503: {service} closed the connection before it had answered."
                " `skerry logs` may say why.",
            ),
        ]
    }


def _reply(flags: list[str], sentence: str) -> Resource:
    return {
        "filter": {"response_flag_filter": {"flags": flags}},
        "body_format_override": {"text_format_source": {"inline_string": sentence + "\n"}},
    }
