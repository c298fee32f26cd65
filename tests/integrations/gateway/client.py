"""Requests through the gateway."""

import asyncio
from dataclasses import dataclass, field

import aiohttp

from skerry.model.cell import Cell


@dataclass
class Load:
    """What came of requests sent without a pause."""

    good: int = 0
    failed: list[str] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Client:
    """Sends requests to the gateway's HTTP port with the Host a test wants."""

    def __init__(self, session: aiohttp.ClientSession, cell: Cell) -> None:
        self.session = session
        self.url = f"http://127.0.0.1:{cell.http}"

    async def get(self, host: str, path: str = "/", *, close: bool = False) -> tuple[int, str]:
        """Status and body; `close` ends the connection afterwards."""
        headers = {"host": host} | ({"connection": "close"} if close else {})
        async with self.session.get(self.url + path, headers=headers) as response:
            return response.status, await response.text()

    def start_load(self, url: str, host: str, *, connections: int = 4) -> Load:
        """Send requests until `stop_load`."""
        load = Load()
        load.tasks = [
            asyncio.create_task(self._hammer(load, url, host)) for _ in range(connections)
        ]
        return load

    async def stop_load(self, load: Load) -> None:
        """End it."""
        for task in load.tasks:
            task.cancel()
        await asyncio.gather(*load.tasks, return_exceptions=True)

    async def _hammer(self, load: Load, url: str, host: str) -> None:
        while True:
            try:
                async with self.session.get(url, headers={"host": host}) as response:
                    body = await response.text()
                    if response.status == 200:
                        load.good += 1
                    else:
                        load.failed.append(f"{response.status} {body}")
            except (aiohttp.ClientError, OSError) as error:
                load.failed.append(repr(error))
                await asyncio.sleep(0.01)
