"""What changes, from a list on and for as long as somebody looks."""

import random
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from skerry.engines.kubernetes.client.failures import ApiError
from skerry.engines.kubernetes.client.paging import GONE, Paging
from skerry.engines.kubernetes.client.resources import Resource
from skerry.engines.kubernetes.client.streams import Streams
from skerry.engines.kubernetes.client.transport import JSON, METADATA, query_of
from skerry.errors import EngineUnavailable
from skerry.ports import Clock

# A bookmark comes every minute or so: silence for longer is a connection that died unseen.
SILENCE_SECONDS: Final = 100.0
# The server ends a watch after this long, and we resume; not all watches in one moment.
LIFE_SECONDS: Final = (240, 300)
# How long a server may be away before the consumer is told.
AWAY_SECONDS: Final = 60.0
FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 5.0
# A watch that lived this long was well: the next one may begin at once.
WELL_SECONDS: Final = 5.0
PAGE: Final = 500

Type = Literal["SYNC", "ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
Shape = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvent:
    """SYNC holds all `items` there are and replaces everything before it; ADDED, MODIFIED and
    DELETED hold one `object`; BOOKMARK says that nothing else happened up to its version."""

    type: Type
    object: dict[str, Any]
    items: tuple[dict[str, Any], ...] = ()
    resource_version: str = ""


class Watch:
    """One watch: lists, watches from there, resumes where it was cut, lists anew when the
    server no longer remembers that moment (410)."""

    def __init__(
        self,
        paging: Paging,
        streams: Streams,
        clock: Clock,
        *,
        shape: Shape | None,
        metadata: bool,
    ) -> None:
        self._paging = paging
        self._streams = streams
        self._clock = clock
        self._shape = shape or _as_it_is
        self._metadata = metadata
        self._version = ""
        self._synced = False
        self._pauses = 0
        self._away_since: float | None = None

    async def events(
        self, resource: Resource, namespace: str | None, query: Mapping[str, str]
    ) -> AsyncGenerator[WatchEvent, None]:
        """Ends never. Raises EngineUnavailable when the server was away for a minute, and what
        the server says when it refuses."""
        while True:
            if not self._version:
                try:
                    yield await self._sync(resource, namespace, query)
                except EngineUnavailable as error:
                    await self._pause_away(error)
                    continue
            began = self._clock.monotonic()
            try:
                changes = self._follow(resource, namespace, query)
                async with aclosing(changes):
                    async for event in changes:
                        self._away_since = None
                        yield event
            except EngineUnavailable as error:
                if self._clock.monotonic() - began < WELL_SECONDS:
                    await self._pause_away(error)
                    continue
            except ApiError as error:
                if error.status != GONE and error.status < 500:
                    raise
                if error.status == GONE:
                    self._version = ""
            await self._pause_after(self._clock.monotonic() - began)

    async def _sync(
        self, resource: Resource, namespace: str | None, query: Mapping[str, str]
    ) -> WatchEvent:
        """All there is, as of one moment: a list whose moment was forgotten begins anew."""
        items: list[dict[str, Any]] = []
        token = ""
        limited = {**query, "limit": str(PAGE)}
        while True:
            try:
                page = await self._paging.page(
                    resource, namespace, limited, token=token, metadata=self._metadata
                )
            except ApiError as error:
                if error.status != GONE or not token:
                    raise
                items, token = [], ""
                continue
            items += map(self._shape, page.items)
            token = page.after
            if not token:
                break
        self._version = page.resource_version
        self._synced, self._away_since = True, None
        return WatchEvent(
            type="SYNC", object={}, items=tuple(items), resource_version=self._version
        )

    async def _follow(
        self, resource: Resource, namespace: str | None, query: Mapping[str, str]
    ) -> AsyncGenerator[WatchEvent, None]:
        asked = {
            **query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(random.randint(*LIFE_SECONDS)),
        }
        path = resource.path(namespace)
        accept = METADATA if self._metadata else JSON
        lines = self._streams.lines(path, query_of(asked), silence=SILENCE_SECONDS, accept=accept)
        async with aclosing(lines):
            async for line in lines:
                if line:
                    yield self._event(orjson.loads(line), resource)

    def _event(self, said: Mapping[str, Any], resource: Resource) -> WatchEvent:
        """Raises ApiError when the server says that the watch cannot go on."""
        changed = said["object"]
        if said["type"] == "ERROR":
            raise ApiError(int(changed.get("code") or 500), changed, subject=resource.kind)
        self._version = str(changed["metadata"]["resourceVersion"])
        bookmark = said["type"] == "BOOKMARK"
        if not bookmark:
            changed["kind"], changed["apiVersion"] = resource.kind, resource.api_version
        return WatchEvent(
            type=said["type"],
            object={} if bookmark else self._shape(changed),
            resource_version=self._version,
        )

    async def _pause_away(self, error: EngineUnavailable) -> None:
        """Raises the error when the server has been away for too long, or from the start."""
        now = self._clock.monotonic()
        self._away_since = now if self._away_since is None else self._away_since
        if now - self._away_since >= AWAY_SECONDS or not self._synced:
            raise error
        await self._pause_after(0.0)

    async def _pause_after(self, lived: float) -> None:
        """No busy loop: a watch that ends at once is opened more and more slowly."""
        if lived >= WELL_SECONDS:
            self._pauses = 0
            return
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**self._pauses)
        self._pauses = min(self._pauses + 1, 10)
        await self._clock.sleep(random.uniform(0.5, 1.0) * longest)


def _as_it_is(item: dict[str, Any]) -> dict[str, Any]:
    return item
