"""One exchange with the API server at a time: connections, TLS, who we are. No second tries."""

import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from skerry.engines.kubernetes.client.access import ClusterAccess, tls_of
from skerry.engines.kubernetes.client.identity import Credentials
from skerry.ports import Clock

JSON: Final = "application/json"
METADATA: Final = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST: Final = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
CONNECT_SECONDS: Final = 5.0
# A little longer than the API server itself gives a request, so that its answer comes first.
ANSWER_SECONDS: Final = 65.0
IDLE_SECONDS: Final = 75.0
FRAME_BYTES: Final = 16 * 1024 * 1024
LARGE_BYTES: Final = 2**20
_ONE_ANSWER: Final = aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. `query` is encoded already; `again` says that sending it twice does no more
    than once; `subject` is what messages call it."""

    method: str
    path: str
    query: str = ""
    body: bytes | None = None
    content_type: str = JSON
    accept: str = JSON
    again: bool = True
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    retry_after: float | None = None


class Transport:
    """The connections to one API server. `requests` counts what was sent."""

    def __init__(self, access: ClusterAccess, clock: Clock) -> None:
        self.access = access
        self.requests = 0
        self._clock = clock
        self._base = access.url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._session_for = Credentials()
        self._retired: list[aiohttp.ClientSession] = []

    async def exchange(self, request: Request, *, anew: bool = False) -> Answer:
        """Send, and read the whole answer. Raises aiohttp.ClientError, TimeoutError, and what
        the identity raises; `anew` asks the identity for other credentials."""
        session, headers = await self._opened(anew=anew)
        headers["Accept"] = request.accept
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        self.requests += 1
        async with session.request(
            request.method,
            self._url(request.path, request.query),
            data=_readable(request.body),
            headers=headers,
            timeout=_ONE_ANSWER,
            proxy=self.access.proxy,
            server_hostname=self.access.server_name,
        ) as response:
            return Answer(
                status=response.status,
                body=await response.read(),
                retry_after=_seconds(response.headers.get("Retry-After")),
            )

    @asynccontextmanager
    async def streaming(
        self,
        path: str,
        query: str,
        *,
        silence: float | None,
        accept: str = JSON,
        anew: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer to be read as it comes; `silence` seconds without a byte end it."""
        session, headers = await self._opened(anew=anew)
        headers["Accept"] = accept
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence)
        self.requests += 1
        async with session.get(
            self._url(path, query),
            headers=headers,
            timeout=timeout,
            proxy=self.access.proxy,
            server_hostname=self.access.server_name,
        ) as response:
            yield response

    async def websocket(
        self, path: str, query: str, protocols: Sequence[str], *, anew: bool = False
    ) -> aiohttp.ClientWebSocketResponse:
        """A WebSocket, open. Raises aiohttp.WSServerHandshakeError for a refusal."""
        session, headers = await self._opened(anew=anew)
        self.requests += 1
        return await session.ws_connect(
            self._url(path, query),
            protocols=protocols,
            headers=headers,
            max_msg_size=FRAME_BYTES,
            timeout=aiohttp.ClientWSTimeout(ws_close=CONNECT_SECONDS),
            proxy=self.access.proxy,
            server_hostname=self.access.server_name,
        )

    async def close(self) -> None:
        """Hang up."""
        for session in (*self._retired, self._session):
            if session:
                await session.close()
        self._retired, self._session = [], None

    def _url(self, path: str, query: str) -> URL:
        return URL(f"{self._base}{path}?{query}" if query else self._base + path, encoded=True)

    async def _opened(self, *, anew: bool) -> tuple[aiohttp.ClientSession, dict[str, str]]:
        given = await self.access.identity.credentials(self._clock, anew=anew)
        session = self._session
        if session is None or given.certificate is not self._session_for.certificate:
            if session:
                self._retired.append(session)  # requests may be under way on it
            session = self._session = self._connect(given)
            self._session_for = given
        headers = {"Authorization": given.authorization} if given.authorization else {}
        return session, headers

    def _connect(self, given: Credentials) -> aiohttp.ClientSession:
        tls = tls_of(self.access, given.certificate)
        connector = aiohttp.TCPConnector(
            limit=0, keepalive_timeout=IDLE_SECONDS, ssl=True if tls is None else tls
        )
        return aiohttp.ClientSession(
            connector=connector,
            headers=[("User-Agent", "skerry"), *self.access.headers],
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=2**20,
        )


def _readable(body: bytes | None) -> bytes | io.BytesIO | None:
    """aiohttp writes large bodies in pieces only from a file."""
    return io.BytesIO(body) if body and len(body) > LARGE_BYTES else body


def _seconds(written: str | None) -> float | None:
    try:
        return None if written is None else max(0.0, float(written))
    except ValueError:
        return None


def query_of(parts: Mapping[str, str | int | None]) -> str:
    """A query string of those parts that say something."""
    return urlencode({name: value for name, value in parts.items() if value not in (None, "")})
