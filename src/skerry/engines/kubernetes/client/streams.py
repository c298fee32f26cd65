"""Answers that do not end by themselves: logs, watches, WebSockets."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from urllib.parse import urlencode

import aiohttp

from skerry.engines.kubernetes.client.failures import api_error, understood
from skerry.engines.kubernetes.client.retrying import Sender
from skerry.engines.kubernetes.client.transport import JSON, Transport
from skerry.errors import SkerryError

_UNKNOWN = 401


class Streams:
    """The open connections of one client. Each is tried once, and once more with credentials
    asked for anew; who reads decides whether to come back."""

    def __init__(self, transport: Transport, sender: Sender) -> None:
        self._transport = transport
        self._sender = sender

    async def chunks(
        self, path: str, query: str, *, silence: float | None = None, accept: str = JSON
    ) -> AsyncGenerator[bytes, None]:
        """The bytes as they come. Raises EngineUnavailable for a connection that breaks or is
        silent for longer than `silence` seconds, and what the server said instead."""
        try:
            opening = self._opened(path, query, silence=silence, accept=accept)
            async with opening as response:
                async for chunk in response.content.iter_any():
                    yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._sender.broken(error) from error

    async def lines(
        self, path: str, query: str, *, silence: float, accept: str = JSON
    ) -> AsyncGenerator[bytes, None]:
        """The lines of a watch, however long."""
        rest = b""
        chunks = self.chunks(path, query, silence=silence, accept=accept)
        async with aclosing(chunks):
            async for chunk in chunks:
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield line

    async def websocket(
        self, path: str, query: Sequence[tuple[str, str]], protocols: Sequence[str]
    ) -> aiohttp.ClientWebSocketResponse:
        """A WebSocket, open. Raises what the server said instead."""
        encoded = urlencode(query)
        try:
            for anew in (False, True):
                try:
                    return await self._transport.websocket(path, encoded, protocols, anew=anew)
                except aiohttp.WSServerHandshakeError as error:
                    if anew or error.status != _UNKNOWN or not self._renewable:
                        raise await self._refused(path, encoded, error) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._sender.broken(error) from error
        raise AssertionError("the second try returns or raises")

    @asynccontextmanager
    async def _opened(
        self, path: str, query: str, *, silence: float | None, accept: str
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        for anew in (False, True):
            opening = self._transport.streaming(
                path, query, silence=silence, accept=accept, anew=anew
            )
            async with opening as response:
                if response.status < 400:
                    yield response
                    return
                if anew or response.status != _UNKNOWN or not self._renewable:
                    raise self._said(path, response.status, await response.read())

    @property
    def _renewable(self) -> bool:
        return self._transport.access.identity.renewable

    def _said(self, path: str, status: int, body: bytes) -> SkerryError:
        error = api_error(status, body, subject=path)
        return self._sender.unknown(error) if status == _UNKNOWN else understood(error)

    async def _refused(
        self, path: str, query: str, error: aiohttp.WSServerHandshakeError
    ) -> SkerryError:
        """A refused handshake loses the server's words; a plain request gets them said again."""
        async with self._transport.streaming(path, query, silence=5.0) as response:
            if response.status >= 400:
                return self._said(path, response.status, await response.read())
        return self._said(path, error.status, b"")
