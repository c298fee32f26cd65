"""The container engine's HTTP API: one session, JSON in and out, errors of Skerry's own."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import orjson
from aiodocker import Docker

from skerry.errors import EngineUnavailable

VERSION: Final = "v1.41"
_LIBPOD: Final = "v4.0.0/libpod"
# A call that is neither a stream nor a wait answers within this, or the engine hangs.
_CALL_SECONDS: Final = 120.0


class ApiError(Exception):
    """The container engine answered, and refused. `message` is its own sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class ContainerApi:
    """A container engine at `url` (unix:///path, tcp://host:port). Use within one event loop.

    Raises ApiError when the engine refuses, EngineUnavailable when it does not answer.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        scheme, _, rest = url.partition("://")
        connector: aiohttp.BaseConnector
        if scheme == "unix":
            connector = aiohttp.UnixConnector(rest, limit=0, keepalive_timeout=20)
            self._base = "http://engine"
        else:
            connector = aiohttp.TCPConnector(limit=0)
            self._base = f"http://{rest.rstrip('/')}"
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(total=_CALL_SECONDS)
        )
        # For hijacked connections (exec, attach), which aiodocker does well.
        self.docker = Docker(
            url=self._base, connector=connector, session=self._session, api_version=VERSION
        )
        self._podman: bool | None = None

    async def close(self) -> None:
        """End every connection."""
        await self.docker.close()
        await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        seconds: float | None = _CALL_SECONDS,
    ) -> Any:
        """One call; returns the parsed JSON answer, or None without one. `body` is JSON, or
        bytes for a tar archive. `seconds` None: wait as long as it takes."""
        async with self.open(method, path, query=query, body=body, seconds=seconds) as answer:
            said = await answer.read()
        is_json = answer.content_type == "application/json"
        return orjson.loads(said) if said and is_json else None

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One call whose answer is read as a stream."""
        said = dict(headers or {})
        if body is not None and not isinstance(body, bytes) and not hasattr(body, "__aiter__"):
            body = orjson.dumps(body)
            said["Content-Type"] = "application/json"
        elif body is not None:
            said["Content-Type"] = "application/x-tar"
        try:
            async with self._session.request(
                method,
                f"{self._base}/{self._versioned(path)}",
                params=query,
                data=body,
                headers=said,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as answer:
                if answer.status >= 400:
                    raise ApiError(answer.status, _message(await answer.read()))
                yield answer
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            raise EngineUnavailable(
                f"the container engine at {self.url} does not answer: {error or 'timed out'}",
                subject="engine",
                hint="skerry doctor",
            ) from error

    async def is_podman(self) -> bool:
        """Whether libpod's own paths exist beside Docker's."""
        if self._podman is None:
            said = await self.call("GET", "version")
            names = [str(part.get("Name", "")) for part in said.get("Components") or ()]
            self._podman = any("podman" in name.lower() for name in names)
        return self._podman

    @staticmethod
    def _versioned(path: str) -> str:
        if path.startswith("libpod/"):
            return f"{_LIBPOD}/{path.removeprefix('libpod/')}"
        return f"{VERSION}/{path}"


def part(name: str) -> str:
    """A name as a path segment."""
    return quote(name, safe="")


def _message(said: bytes) -> str:
    try:
        parsed = orjson.loads(said)
        return str(parsed.get("message") or parsed.get("cause") or parsed)
    except (orjson.JSONDecodeError, AttributeError):
        return said.decode(errors="replace").strip()[:500]
