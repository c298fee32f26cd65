"""The same containers straight on the container engine's API: what a figure is compared with."""

import asyncio
import json
import os
import resource
from typing import Any
from urllib.parse import urlsplit

import aiohttp

_NPROC = 4096


class Bare:
    """Create, start, stop and remove, and nothing else."""

    def __init__(self, url: str) -> None:
        self._path = urlsplit(url).path

    async def __aenter__(self) -> "Bare":
        connector = aiohttp.UnixConnector(path=self._path)
        self._session = aiohttp.ClientSession(connector=connector)
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._session.close()

    async def run(self, name: str, image: str) -> None:
        """Create and start."""
        await self._call("POST", f"/containers/create?name={name}", _body(image))
        await self._call("POST", f"/containers/{name}/start")

    async def ready(self, name: str) -> None:
        """Return once it accepts a connection on its port."""
        inspected = await self._call("GET", f"/containers/{name}/json")
        networks = json.loads(inspected)["NetworkSettings"]["Networks"]
        address = next(iter(networks.values()))["IPAddress"]
        while True:
            try:
                _, writer = await asyncio.open_connection(address, 8080)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            writer.close()
            return

    async def stop(self, name: str) -> None:
        """TERM, and wait for its end."""
        await self._call("POST", f"/containers/{name}/stop?t=10")

    async def remove(self, name: str) -> None:
        """Remove, running or not."""
        await self._call("DELETE", f"/containers/{name}?force=true")

    async def _call(self, method: str, path: str, body: Any = None) -> bytes:
        async with self._session.request(method, f"http://engine/v1.41{path}", json=body) as answer:
            said = await answer.read()
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {said.decode()}")
            return said


def _body(image: str) -> dict[str, Any]:
    files = min(1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    limits = [
        {"Name": "nofile", "Soft": files, "Hard": files},
        {"Name": "nproc", "Soft": _NPROC, "Hard": _NPROC},
    ]
    raised = os.geteuid() == 0 and not _may_raise_limits()
    return {
        "Image": image,
        "HostConfig": {"Init": True, **({"Ulimits": limits} if raised else {})},
    }


def _may_raise_limits() -> bool:
    with open("/proc/self/status") as status:
        effective = next(line for line in status if line.startswith("CapEff"))
    return bool(int(effective.split()[1], 16) >> 24 & 1)
