"""What Skerry is measured beside: one request an object, and nothing else."""

import asyncio
import ssl
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

from skerry.engines.kubernetes.client.resources import RESOURCES
from tests.cluster.cluster import TestCluster

IN_FLIGHT = 16


class Bare:
    """A loop of aiohttp and orjson, 16 requests under way."""

    def __init__(self, cluster: TestCluster) -> None:
        context = ssl.create_default_context(cafile=str(cluster.plane.authority.file))
        self._base = cluster.url
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context),
            headers={
                "Authorization": f"Bearer {cluster.token}",
                "Content-Type": "application/apply-patch+yaml",
                "Accept": "application/json",
            },
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self.close()

    async def apply(self, manifest: dict[str, Any]) -> object:
        """Server-side apply of one object; the object as it is then."""
        metadata = manifest["metadata"]
        path = RESOURCES[manifest["kind"]].path(metadata.get("namespace"), metadata["name"])
        url = f"{self._base}{path}?fieldManager=skerry&fieldValidation=Strict"
        async with self._session.patch(url, data=orjson.dumps(manifest)) as answer:
            body = await answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{url}: {answer.status} {body!r}")
            return orjson.loads(body)

    async def all(self, manifests: Iterable[dict[str, Any]]) -> None:
        """Each of them, in order, 16 at a time."""
        rest = iter(manifests)

        async def work() -> None:
            for one in rest:
                await self.apply(one)

        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))

    async def close(self) -> None:
        """Hang up."""
        await self._session.close()
