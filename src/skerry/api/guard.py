"""Before any route: who is asking, how much they send, and headers on every answer.

Plain ASGI, so that nothing of a request is read, parsed or looked up before its token is
known to be good.
"""

import re
from typing import Any, Final

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skerry.api.failures import TooLarge, status_of
from skerry.errors import SkerryError, Unauthenticated
from skerry.model.access import Identity
from skerry.operations.fleet import Fleet
from skerry.operations.tokens import authenticate
from skerry.report.views import error_body

OPEN_PATHS: Final = frozenset({"/healthz", "/v1/webhook"})  # the latter is signed
BODY_BYTES: Final = 1 << 20
DOCUMENTS_BYTES: Final = 64 << 20  # ten thousand documents and their files
BUILD_BYTES: Final = 8 << 30  # streamed, never held
_LIMITS: Final = (
    (re.compile(r"/v1/(plan|apply|rollouts|rollouts/[^/]+/resume)"), DOCUMENTS_BYTES),
    (re.compile(r"/v1/builds"), BUILD_BYTES),
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """Lets nobody in without a token. The identity is `state.identity` of the request."""

    def __init__(self, app: ASGIApp, fleet: Fleet) -> None:
        self._app = app
        self._fleet = fleet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        try:
            if scope["path"] not in OPEN_PATHS:
                scope.setdefault("state", {})["identity"] = await self._identify(scope)
            if scope["type"] == "http":
                receive = _limited(scope, receive)
            await self._app(scope, receive, _with_headers(send))
        except SkerryError as error:  # raised before any answer was begun
            await refuse(scope, receive, send, error=error)
        return None

    async def _identify(self, scope: Scope) -> Identity:
        given = Headers(scope=scope).getlist("authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated(
                "this needs a token, as `Authorization: Bearer ...`",
                subject=scope["path"],
                hint="set SKERRY_TOKEN, or ask for: skerry token create NAME",
            )
        return await authenticate(self._fleet.ledger, self._fleet.clock, token.strip())


async def refuse(scope: Scope, receive: Receive, send: Send, *, error: SkerryError) -> None:
    """Answer with an error, in place of a route. A WebSocket is refused as HTTP."""
    prefix = "http.response"
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008, "reason": error.code})
            return
        prefix = "websocket.http.response"
    body = orjson.dumps({"error": error_body(error)})
    headers = MutableHeaders({"content-type": "application/json", **_HEADERS})
    headers["content-length"] = str(len(body))
    status = status_of(error)
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    await send({"type": f"{prefix}.start", "status": status, "headers": headers.raw})
    await send({"type": f"{prefix}.body", "body": body})


def _limited(scope: Scope, receive: Receive) -> Receive:
    """The body, as long as it stays under the path's limit. Raises TooLarge."""
    sizes = (most for path, most in _LIMITS if path.fullmatch(scope["path"]))
    limit = next(sizes, BODY_BYTES)
    declared = Headers(scope=scope).get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(scope, limit)
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise _too_large(scope, limit)
        return message

    return limited


def _too_large(scope: Scope, limit: int) -> TooLarge:
    return TooLarge(
        f"the request is larger than {limit >> 20} MiB",
        subject=scope["path"],
        hint="send fewer documents or smaller files",
    )


def _with_headers(send: Send) -> Send:
    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
        await send(message)

    return sending
