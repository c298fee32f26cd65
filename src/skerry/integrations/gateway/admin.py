"""Questions to Envoy's admin interface, on its Unix socket."""

import os
from pathlib import Path
from typing import Any

import aiohttp

from skerry.errors import GatewayUnavailable
from skerry.integrations.gateway.bootstrap import ADMIN_SOCKET
from skerry.integrations.gateway.routes import TABLE

TIMEOUT_SECONDS = 5.0
CLUSTERS = "cluster_manager.cds.version_text"
LISTENERS = "listener_manager.lds.version_text"
ROUTES = f"http.public.rds.{TABLE}.version_text"


class Admin:
    """Asks the Envoy whose folder this is. Every question raises GatewayUnavailable when
    nobody answers."""

    def __init__(self, folder: Path) -> None:
        # A socket's path may be 107 bytes long; one that starts at an open folder is short.
        self._folder = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._session: aiohttp.ClientSession | None = None

    def socket(self, name: str) -> str:
        """A short path to a socket in the folder."""
        return f"/proc/self/fd/{self._folder}/{name}"

    async def close(self) -> None:
        """Leave."""
        if self._session is not None:
            await self._session.close()
        os.close(self._folder)

    async def info(self) -> dict[str, Any]:
        """Its state (`LIVE` when it serves), version and options."""
        answer: dict[str, Any] = await self._ask("GET", "/server_info")
        return answer

    async def versions(self) -> dict[str, str]:
        """The versions it has taken, by CLUSTERS, LISTENERS and ROUTES."""
        answer = await self._ask("GET", "/stats?type=TextReadouts&format=json")
        return {
            stat["name"]: str(stat["value"])
            for stat in answer["stats"]
            if stat.get("name") in (CLUSTERS, LISTENERS, ROUTES)
        }

    async def reopen_logs(self) -> None:
        """Make it open its access log anew."""
        await self._ask("POST", "/reopen_logs", text=True)

    async def _ask(self, method: str, path: str, *, text: bool = False) -> Any:
        try:
            async with self._client().request(method, f"http://envoy{path}") as response:
                response.raise_for_status()
                return await response.text() if text else await response.json(content_type=None)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise GatewayUnavailable(
                f"Envoy does not answer on its admin socket: {error or type(error).__name__}",
                subject="gateway",
                hint="skerry doctor",
            ) from error

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(self.socket(ADMIN_SOCKET), force_close=True),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            )
        return self._session
