"""Images: whether they are here, fetching them, building them."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import orjson

from skerry.engines.local.api import ApiError, ContainerApi, part
from skerry.engines.local.credentials import credentials_for, registry_of
from skerry.errors import DeployFailed
from skerry.model.process import BuildLine

_LAST_LINES = 20


class Images:
    """The images of the machine. Implements ports.ImageBuilder.

    One image is fetched once at a time, however many replicas wait for it.
    """

    def __init__(self, api: ContainerApi) -> None:
        self._api = api
        self._pulls: dict[str, asyncio.Task[None]] = {}
        self._said: dict[str, str] = {}

    async def has(self, image: str) -> bool:
        """Whether the image is already here."""
        try:
            await self._api.call("GET", f"images/{part(image)}/json")
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def progress(self, image: str) -> str:
        """The last the registry said of a pull that runs; empty without one."""
        return self._said.get(image, "")

    async def pull(self, image: str, *, said: Callable[[], None]) -> None:
        """Fetch an image; `said` is called when `progress` has news. Raises DeployFailed with
        a sentence, EngineUnavailable."""
        if registry_of(image) == "localhost":
            raise DeployFailed(
                f"image {image} is not on this machine, and its name says it comes from nowhere "
                "else: build it first",
                subject=f"image/{image}",
                hint="skerry up",
            )
        task = self._pulls.get(image)
        if task is None:
            task = asyncio.ensure_future(self._pull(image, said))
            self._pulls[image] = task
            task.add_done_callback(lambda _: self._forget(image))
        await asyncio.shield(task)

    async def build(
        self, context: AsyncIterator[bytes], *, image: str, containerfile: str
    ) -> AsyncIterator[BuildLine]:
        """Build from a tar stream and name the result. Raises DeployFailed with the last lines."""
        last: list[str] = []
        query = {"t": image, "dockerfile": containerfile, "rm": "true", "forcerm": "true"}
        query |= {"networkmode": "host", "labels": orjson.dumps({}).decode()}
        try:
            async with self._api.open("POST", "build", query=query, body=context) as answer:
                async for message in _messages(answer.content):
                    for line in _lines(message):
                        last = [*last, line][-_LAST_LINES:]
                        yield BuildLine(text=line)
                    if fault := message.get("error"):
                        raise _unbuilt(image, str(fault), last)
        except ApiError as error:
            raise _unbuilt(image, error.message, last) from error

    async def _pull(self, image: str, said: Callable[[], None]) -> None:
        name, tag = _split_tag(image)
        headers = {}
        if found := await credentials_for(image):
            headers["X-Registry-Auth"] = base64.urlsafe_b64encode(orjson.dumps(found)).decode()
        query = {"fromImage": name, "tag": tag} if tag else {"fromImage": name}
        layers: dict[str, tuple[int, int]] = {}
        try:
            async with self._api.open(
                "POST", "images/create", query=query, headers=headers
            ) as answer:
                async for message in _messages(answer.content):
                    if fault := message.get("error"):
                        raise _unfetched(image, str(fault))
                    self._said[image] = _progress(image, message, layers)
                    said()
        except ApiError as error:
            raise _unfetched(image, error.message) from error

    def _forget(self, image: str) -> None:
        task = self._pulls.pop(image, None)
        self._said.pop(image, None)
        if task is not None and not task.cancelled():
            task.exception()


async def _messages(content: Any) -> AsyncIterator[Mapping[str, Any]]:
    # Docker ends each message by a line end, Podman sometimes sends several in one line.
    async for line in content:
        for piece in line.replace(b"}{", b"}\n{").splitlines():
            if piece.strip():
                yield orjson.loads(piece)


def _lines(message: Mapping[str, Any]) -> list[str]:
    text = message.get("stream") or message.get("status") or ""
    return [line.rstrip() for line in str(text).splitlines() if line.strip()]


def _progress(image: str, message: Mapping[str, Any], layers: dict[str, tuple[int, int]]) -> str:
    detail = message.get("progressDetail") or {}
    if detail.get("total") and message.get("id"):
        layers[str(message["id"])] = (int(detail.get("current", 0)), int(detail["total"]))
    if not layers:
        return f"fetching {image}: {message.get('status', 'asked')}"[:200]
    done, total = (sum(numbers) / 2**20 for numbers in zip(*layers.values(), strict=True))
    return f"fetching {image}: {done:.0f} of {total:.0f} MiB"


def _split_tag(image: str) -> tuple[str, str]:
    if "@" in image:
        return image, ""
    name, colon, tag = image.rpartition(":")
    if not colon or "/" in tag:
        return image, "latest"
    return name, tag


def _unfetched(image: str, said: str) -> DeployFailed:
    return DeployFailed(
        f"image {image} is not here and cannot be fetched: {said.strip().splitlines()[-1]}",
        subject=f"image/{image}",
        hint="check its name and tag; for a private registry: podman login REGISTRY",
    )


def _unbuilt(image: str, said: str, last: list[str]) -> DeployFailed:
    return DeployFailed(
        f"the build failed: {said.strip()}", subject=f"image/{image}", last_lines=last
    )
