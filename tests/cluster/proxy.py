"""The fault proxy: a reverse proxy to put before an API server, that misbehaves as told.

    with fault_proxy(cluster) as proxy:
        client = proxy.client()                  # or the kubeconfig proxy.kubeconfig
        proxy.faults = Faults(throttle_one_in=3, retry_after=0.1)
        ...
        proxy.faults = Faults(slow=2.0)          # each answer 2 s later
        proxy.faults = Faults(fail_one_in=10)    # a 500 instead of the answer
        proxy.faults = Faults(cut_one_in=5)      # done, but the connection ends without a word
        proxy.faults = Faults(only="configmaps", fail_one_in=1)   # paths with this in them
        proxy.faults = Faults(spare=1, fail_one_in=1)   # ... from the second request on
        proxy.stop(); proxy.start()              # nobody listens; open connections are cut
        proxy.cut_all()                          # open connections are cut, watches too
        proxy.seen                               # (method, path) of all that arrived

It runs in a thread of its own, so tests may be asynchronous or not, and its faults may be
changed while requests are under way. `one_in` counts: the first of N is the one, then each
N-th. It speaks plain HTTP, passes credentials on, and does WebSockets and watches.
"""

import asyncio
import ssl
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from skerry.clock import SystemClock
from skerry.engines.kubernetes.client.client import Client, open_client
from skerry.engines.kubernetes.client.credentials import find_access
from tests.cluster.cluster import TestCluster
from tests.cluster.plane import free_ports

HOP_BY_HOP = {"host", "connection", "transfer-encoding", "content-length", "content-encoding"}
SAID = {
    429: ("TooManyRequests", "the server has received too many requests"),
    500: ("InternalError", "Internal error occurred: made up by the fault proxy"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong. Nothing, to begin with."""

    only: str = ""
    methods: tuple[str, ...] = ()
    spare: int = 0
    slow: float = 0.0
    throttle_one_in: int = 0
    retry_after: float = 1.0
    fail_one_in: int = 0
    fail_status: int = 500
    fail_message: str = ""
    cut_one_in: int = 0


class FaultProxy:
    """One proxy before one API server."""

    def __init__(self, cluster: TestCluster) -> None:
        self._faults = Faults()
        self._met = 0
        self.seen: list[tuple[str, str]] = []
        self.most_at_once = 0
        self._under_way = 0
        self._cluster = cluster
        self._port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self._port}"
        self.kubeconfig = cluster.kubeconfig_to(self.url, name=f"proxied-{self._port}")
        self._counts = dict.fromkeys(("throttle", "fail", "cut"), 0)
        self._open: set[asyncio.Transport] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def faults(self) -> Faults:
        """What goes wrong now. Set anew, it counts from the start."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._met = 0
        self._counts = dict.fromkeys(self._counts, 0)
        self._faults = faults

    def client(self, *, cell: str = "test") -> Client:
        """A client whose requests pass here; the caller closes it."""
        return open_client(find_access(None, str(self.kubeconfig), {}), SystemClock(), cell=cell)

    def open(self) -> None:
        """Begin to listen."""
        self._thread.start()
        self.start()

    def start(self) -> None:
        """Listen, at the port it had."""
        self._call(self._listen())

    def stop(self) -> None:
        """Listen no more, and cut what is open."""
        self._call(self._fall_silent())

    def cut_all(self) -> None:
        """Cut what is open; new connections are welcome."""
        self._call(self._cut())

    def close(self) -> None:
        """End."""
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self) -> None:
        context = ssl.create_default_context(cafile=str(self._cluster.plane.authority.file))
        connector = aiohttp.TCPConnector(limit=0, ssl=context)
        self._session = self._session or aiohttp.ClientSession(
            connector=connector, auto_decompress=False
        )
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()

    async def _fall_silent(self) -> None:
        await self._cut()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _cut(self) -> None:
        for transport in tuple(self._open):
            transport.abort()

    async def _end(self) -> None:
        await self._fall_silent()
        if self._session:
            await self._session.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        assert isinstance(transport, asyncio.Transport) and self._session
        self.seen.append((request.method, request.path))
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        self._open.add(transport)
        try:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._websocket(request)
            return await self._misbehaving(request, transport)
        except (aiohttp.ClientError, ConnectionError):  # one of the two sides is gone
            transport.abort()
            return web.Response()
        finally:
            self._open.discard(transport)
            self._under_way -= 1

    async def _misbehaving(
        self, request: web.Request, transport: asyncio.Transport
    ) -> web.StreamResponse:
        faults = self.faults
        meant = faults.only in request.path and (
            not faults.methods or request.method in faults.methods
        )
        self._met += meant
        if not meant or self._met <= faults.spare:
            return await self._forward(request)
        if faults.slow:
            await asyncio.sleep(faults.slow)
        if self._turn("throttle", faults.throttle_one_in):
            return _status(429, {"Retry-After": f"{faults.retry_after:g}"}, "")
        if self._turn("fail", faults.fail_one_in):
            return _status(faults.fail_status, {}, faults.fail_message)
        if self._turn("cut", faults.cut_one_in):
            if "watch" not in request.query:
                await self._unanswered(request)
            transport.abort()
            return web.Response()
        return await self._forward(request)

    def _turn(self, kind: str, one_in: int) -> bool:
        if not one_in:
            return False
        self._counts[kind] += 1
        return (self._counts[kind] - 1) % one_in == 0

    async def _unanswered(self, request: web.Request) -> None:
        assert self._session
        async with self._session.request(
            request.method,
            self._target(request),
            headers=_passed_on(request.headers),
            data=await request.read() or None,
        ) as answer:
            await answer.read()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        assert self._session
        async with self._session.request(
            request.method,
            self._target(request),
            headers=_passed_on(request.headers),
            data=await request.read() or None,
            timeout=aiohttp.ClientTimeout(total=None),
        ) as answer:
            headers = _passed_on(answer.headers)
            if "Content-Encoding" in answer.headers:
                headers["Content-Encoding"] = answer.headers["Content-Encoding"]
            passed = web.StreamResponse(status=answer.status, headers=headers)
            await passed.prepare(request)
            async for chunk in answer.content.iter_any():
                await passed.write(chunk)
            await passed.write_eof()
            return passed

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        assert self._session
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        protocols = [each.strip() for each in offered.split(",") if each.strip()]
        headers = {"Authorization": request.headers.get("Authorization", "")}
        async with self._session.ws_connect(
            self._target(request), protocols=protocols, headers=headers
        ) as behind:
            before = web.WebSocketResponse(protocols=[behind.protocol] if behind.protocol else ())
            await before.prepare(request)
            pumps = [
                asyncio.ensure_future(_pump(before, behind)),
                asyncio.ensure_future(_pump(behind, before)),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await before.close()
            return before

    def _target(self, request: web.Request) -> URL:
        return URL(f"{self._cluster.url}{request.raw_path}", encoded=True)


@contextmanager
def fault_proxy(cluster: TestCluster) -> Iterator[FaultProxy]:
    """A proxy before a cluster that is ours."""
    proxy = FaultProxy(cluster)
    proxy.open()
    try:
        yield proxy
    finally:
        proxy.close()
        Path(proxy.kubeconfig).unlink()


def _passed_on(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP}


def _status(code: int, headers: dict[str, str], message: str) -> web.Response:
    reason, said = SAID.get(code, ("Unknown", "made up by the fault proxy"))
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    return web.json_response(
        body | {"reason": reason, "message": message or said}, status=code, headers=headers
    )


async def _pump(source: Any, sink: Any) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.BINARY:
            await sink.send_bytes(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT:
            await sink.send_str(message.data)
