"""The few things asked of a container engine here, over its HTTP API."""

import asyncio
import http.client
import io
import json
import os
import socket
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from skerry.clock import SystemClock
from skerry.engines.local import host as local
from skerry.errors import SkerryError
from skerry.settings import Settings, open_state
from tools.images.packages import CannotMake

_SECONDS = 600


class Engine(Protocol):
    """Where images are put."""

    def has(self, image: str) -> bool:
        """Whether the image is there."""

    def load(self, archive: Path) -> None:
        """Take in an image archive. Raises CannotMake."""

    def build(self, folder: Path, image: str, containerfile: str = "Containerfile") -> None:
        """Build a folder. Raises CannotMake with what the engine said."""


def find_engine() -> Engine:
    """The engine Skerry's server uses here: same search, same state folder. Podman's service
    is started when only Podman is there, and the server finds it. Raises CannotMake."""
    try:
        settings = Settings.from_environment(os.environ)
        named = {"DOCKER_HOST": settings.engine_url} if settings.engine_url else {}
        folder = open_state(settings).folder
        return ApiEngine(asyncio.run(_url(folder, {**os.environ, **named})))
    except SkerryError as error:
        raise CannotMake(f"{error}; {error.hint}") from error


async def _url(folder: Path, environ: Mapping[str, str]) -> str:
    host = await local.find_engine(folder, SystemClock(), environ=environ)
    await host.api.close()
    return host.api.url


class ApiEngine:
    """An engine behind the Docker Engine API, at unix:///path or tcp://host:port."""

    def __init__(self, url: str) -> None:
        self._url = url

    def has(self, image: str) -> bool:
        """Whether the image is there."""
        status, _ = self.call("GET", f"/images/{quote(image, safe='')}/json")
        return status == 200

    def load(self, archive: Path) -> None:
        """Take in an image archive."""
        with archive.open("rb") as body:
            status, said = self.call("POST", "/images/load", body=body, size=archive.stat().st_size)
        self._insist("load", status, said)

    def build(self, folder: Path, image: str, containerfile: str = "Containerfile") -> None:
        """Build a folder."""
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as tar:
            tar.add(folder, ".")
        size = context.tell()
        context.seek(0)
        query = f"dockerfile={quote(containerfile)}&t={quote(image, safe='')}&forcerm=1"
        status, said = self.call("POST", f"/build?{query}", body=context, size=size)
        self._insist("build", status, said)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        size: int | None = None,
        kind: str = "application/x-tar",
    ) -> tuple[int, bytes]:
        """One call; the status and all of the answer. Raises CannotMake without an answer."""
        connection = self._connect()
        headers = {"Content-Type": kind} if body is not None else {}
        if size is not None:
            headers["Content-Length"] = str(size)
        try:
            connection.request(method, f"/v1.41{path}", body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError as error:
            raise CannotMake(f"no container engine answers at {self._url}: {error}") from error
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        scheme, _, rest = self._url.partition("://")
        if scheme == "unix":
            return _UnixConnection(rest)
        return http.client.HTTPConnection(rest.rstrip("/"), timeout=_SECONDS)

    def _insist(self, verb: str, status: int, said: bytes) -> None:
        if fault := _fault(status, said):
            raise CannotMake(f"the container engine at {self._url} does not {verb}: {fault}")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(self._path)


def _fault(status: int, said: bytes) -> str:
    """What went wrong, or nothing. A build that fails still answers 200; its last line says."""
    if status >= 400:
        return said.decode(errors="replace").strip()[-500:]
    for line in said.splitlines():
        try:
            parsed = json.loads(line)
        except ValueError:
            continue
        if isinstance(parsed, dict) and parsed.get("error"):
            return str(parsed["error"]).strip()
    return ""
