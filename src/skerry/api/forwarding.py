"""What only the leader does, handed on to it: a client may ask any server.

Plain ASGI, behind the guard: a request comes here with a token that is good, and the leader
looks at it again.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skerry.controllers.standing import Standing
from skerry.errors import Refused, SkerryError, Unavailable
from skerry.loops import Tasks
from skerry.model.leader import Leader

if TYPE_CHECKING:
    from aiohttp import ClientResponse
    from yarl import URL

MARK: Final = "x-skerry-forwarded-by"
CONNECT_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.5
# Asked of the server itself, whoever leads.
_OWN: Final = frozenset({"/healthz", "/v1/info", "/v1/stop", "/v1/plan", "/openapi.json"})
# Known to the leader alone, or at once to it alone.
_LEADERS: Final = re.compile(r"/v1/reconcile|/v1/operations/[^/]+/events")
_READS: Final = frozenset({"GET", "HEAD"})
_HOP: Final = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "host"}
)


def is_for_leader(method: str, path: str, *, whole: bool) -> bool:
    """Whether a server that does not lead hands this on. One that is not `whole` answers
    nothing by itself: the machine it would look at is the leader's."""
    if path in ("/healthz", "/v1/stop"):
        return False
    if not whole:
        return True
    if method in _READS:
        return _LEADERS.fullmatch(path) is not None
    return path not in _OWN


class Forward:
    """Hands on what is for the leader."""

    def __init__(self, app: ASGIApp, standing: Standing) -> None:
        self._app = app
        self._standing = standing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. A WebSocket is answered here: every server reaches the replicas."""
        standing = self._standing
        if scope["type"] not in ("http", "websocket") or standing.leadership.leads:
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            if not standing.whole:
                raise _not_here(standing.leadership.leader, scope["path"])
            return await self._app(scope, receive, send)
        if not is_for_leader(scope["method"], scope["path"], whole=standing.whole):
            return await self._app(scope, receive, send)
        return await self._hand_on(scope, receive, send)

    async def _hand_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Until the leader answers, or another leads: one that hangs is not waited for."""
        leader = self._standing.leadership.leader
        failures: list[SkerryError] = []
        begun = asyncio.Event()

        async def sending(message: Message) -> None:
            begun.set()
            await send(message)

        async def hand_on() -> None:
            try:
                await _hand_on(scope, receive, sending, leader=leader)
            except SkerryError as error:
                failures.append(error)

        tasks = Tasks()
        handing = tasks.spawn(hand_on(), name=f"handing on {scope['path']}")
        try:
            while not (await asyncio.wait({handing}, timeout=LOOK_SECONDS))[0]:
                now = self._standing.leadership.leader
                if now is not None and leader is not None and now.term != leader.term:
                    failures.append(_overtaken(scope["path"], leader, now))
                    break
        finally:
            await tasks.close()
        if failures and not begun.is_set():  # else it breaks off, and the client sees that
            raise failures[0]


async def _hand_on(scope: Scope, receive: Receive, send: Send, *, leader: Leader | None) -> None:
    if leader is None or MARK in Headers(scope=scope):
        raise Unavailable(
            "no server leads at this moment; another takes over within seconds",
            subject=scope["path"],
            hint="again in a few seconds",
        )
    if not leader.url:
        raise _not_here(leader, scope["path"])
    from aiohttp import ClientConnectionError, ClientSession, ClientTimeout

    given = [(name, each) for name, each in Headers(scope=scope).items() if name not in _HOP]
    query = scope.get("query_string", b"").decode()
    url = f"{leader.url.rstrip('/')}{scope['raw_path'].decode()}{'?' if query else ''}{query}"
    timeout = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
    try:
        async with (
            ClientSession(timeout=timeout, auto_decompress=False) as session,
            session.request(
                scope["method"],
                _exactly(url),
                headers=[*given, (MARK, "1")],
                data=_body(receive),
                allow_redirects=False,
            ) as answer,
        ):
            await _answer(answer, send)
    except (ClientConnectionError, TimeoutError) as error:
        raise Unavailable(
            f"{leader.name} leads, and does not answer at {leader.url}",
            subject=scope["path"],
            hint="again in a few seconds; SKERRY_URL says where a server is reached",
        ) from error


def _exactly(url: str) -> "URL":
    from yarl import URL

    return URL(url, encoded=True)


async def _answer(answer: "ClientResponse", send: Send) -> None:
    kept = [
        (name.lower().encode("latin-1"), each.encode("latin-1"))
        for name, each in answer.headers.items()
        if name.lower() not in _HOP
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": kept})
    async for part in answer.content.iter_any():
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        more = message.get("more_body", False)
        if message.get("body"):
            yield message["body"]


def _overtaken(path: str, leader: Leader, now: Leader) -> Unavailable:
    return Unavailable(
        f"{leader.name} led, and did not answer; {now.name} leads now",
        subject=path,
        hint="see whether it was done, then again: skerry operations",
    )


def _not_here(leader: Leader | None, path: str) -> SkerryError:
    if leader is None:
        return Unavailable("no server leads at this moment", subject=path, hint="again soon")
    where = f", at {leader.url}" if leader.url else ", and has not said where it is reached"
    return Refused(
        f"server {leader.name} leads since {leader.since:%H:%M:%S}{where}; this one does not act",
        subject=path,
        hint=f"ask {leader.name}; or set SKERRY_URL there, and it is handed on",
    )
