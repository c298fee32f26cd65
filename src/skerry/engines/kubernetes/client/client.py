"""The verbs: get, list, apply, patch, create, replace, delete, watch, stream, websocket."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

import aiohttp
import orjson

from skerry.engines.kubernetes.client.access import ClusterAccess
from skerry.engines.kubernetes.client.creating import is_as_sent
from skerry.engines.kubernetes.client.discovery import Discovery
from skerry.engines.kubernetes.client.failures import may_be_own
from skerry.engines.kubernetes.client.paging import Paging
from skerry.engines.kubernetes.client.resources import Resource
from skerry.engines.kubernetes.client.retrying import Sender
from skerry.engines.kubernetes.client.streams import Streams
from skerry.engines.kubernetes.client.transport import JSON, METADATA, Request, Transport, query_of
from skerry.engines.kubernetes.client.versions import Version, version_of
from skerry.engines.kubernetes.client.watching import Watch, WatchEvent
from skerry.errors import Conflict, NotFound, Refused
from skerry.model.keys import ObjectKey
from skerry.model.objects import FIELD_MANAGER, Manifest
from skerry.ports import Clock

_PATCHES: Final = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}
_APPLY: Final = "application/apply-patch+yaml"


def open_client(access: ClusterAccess, clock: Clock, *, cell: str = "") -> "Client":
    """A client for one cluster, used within one event loop and closed there. Connects with the
    first request. `cell` is what messages call the cluster; its context without one."""
    return Client(access, clock, cell=cell)


class Client:
    """A connection to one API server. Everything raises SkerryErrors: NotFound, Conflict,
    Forbidden, Refused, Unauthenticated, EngineUnavailable, and ApiError for what is left.

    Callers start as many requests as they like; the client keeps as many under way as the
    server takes well.
    """

    def __init__(self, access: ClusterAccess, clock: Clock, *, cell: str) -> None:
        self.access = access
        self.cell = cell or access.name or access.url
        self._transport = Transport(access, clock)
        self._sender = Sender(self._transport, clock, subject=f"cell/{self.cell}")
        self._discovery = Discovery(self.get)
        self._paging = Paging(self._sender)
        self._streams = Streams(self._transport, self._sender)
        self._clock = clock
        self._version: Version | None = None

    @property
    def requests(self) -> int:
        """How many requests were sent, second tries included."""
        return self._transport.requests

    async def close(self) -> None:
        """Hang up."""
        await self._transport.close()

    async def version(self) -> Version:
        """Major, minor and what the server calls itself. Raises Refused for one too old."""
        if self._version is None:
            self._version = version_of(await self.get("/version"), subject=f"cell/{self.cell}")
        return self._version

    async def resource_of(self, kind: str, api_version: str | None = None) -> Resource:
        """Where a kind lives. Raises NotFound for one this cluster does not know."""
        return await self._discovery.resource_of(kind, api_version)

    def path_of(self, kind: str, namespace: str, name: str) -> str:
        """The path of an object of a kind that is in the table or was asked for before."""
        return self._discovery.seen(kind).object_path(namespace, name)

    async def get(
        self, path: str, *, query: Mapping[str, str] | None = None, metadata: bool = False
    ) -> dict[str, Any]:
        """One object, or any answer that is JSON; with `metadata` only that of the object."""
        request = Request(
            method="GET",
            path=path,
            query=query_of(query or {}),
            accept=METADATA if metadata else JSON,
            subject=self._subject(path),
        )
        return await self._send(request)

    async def list(
        self,
        kind: str,
        *,
        namespace: str | None = None,
        labels: str = "",
        fields: str = "",
        metadata: bool = False,
        page: int = 500,
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Every object of a kind, `page` of them a request, each with its kind and apiVersion;
        never more than a page in memory. Each object that is there throughout comes once."""
        resource = await self.resource_of(kind)
        query = {"labelSelector": labels, "fieldSelector": fields, "limit": str(page)}
        pages = self._paging.pages(resource, namespace, query, metadata=metadata)
        async with aclosing(pages):
            async for listed in pages:
                for item in listed.items:
                    yield item

    async def apply(
        self,
        manifest: Manifest,
        *,
        manager: str = FIELD_MANAGER,
        force: bool = False,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Server-side apply; the object as it is now. Fields the kind does not have are refused,
        never dropped. Raises Conflict with the fields that belong to another manager."""
        path, subject = await self._place(manifest)
        query = {
            "fieldManager": manager,
            "force": "true" if force else "",
            "dryRun": "All" if dry_run else "",
            "fieldValidation": "Strict",
        }
        request = Request(
            method="PATCH",
            path=path,
            query=query_of(query),
            body=orjson.dumps(manifest),
            content_type=_APPLY,
            subject=subject,
        )
        return await self._send(request)

    async def patch(
        self,
        path: str,
        body: object,
        *,
        kind: str = "merge",
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Change parts of an object: a merge, json or strategic patch. A merge patch without a
        resourceVersion says what is to be, so it is sent again where need be."""
        written = orjson.dumps(body)
        request = Request(
            method="PATCH",
            path=path,
            query=query_of({"fieldManager": FIELD_MANAGER, **(query or {})}),
            body=written,
            content_type=_PATCHES[kind],
            again=kind == "merge" and b'"resourceVersion"' not in written,
            subject=self._subject(path),
        )
        return await self._send(request)

    async def create(self, manifest: Manifest) -> dict[str, Any]:
        """A new object; its name may be left to the server. Raises Conflict when it exists.

        One with a name is sent again where need be: when it is there then, and as it was sent,
        it was this call that made it."""
        resource = await self.resource_of(manifest["kind"], manifest["apiVersion"])
        namespace, name = (manifest["metadata"].get(key, "") for key in ("namespace", "name"))
        path = resource.object_path(namespace, "")
        try:
            return await self._post(path, manifest, again=bool(name))
        except Conflict as error:
            if not may_be_own(error):
                raise
            found = await self.get(resource.object_path(namespace, name))
            if not is_as_sent(found, manifest):
                raise
            return found

    async def post(self, path: str, body: object) -> dict[str, Any]:
        """Send to a subresource: a token request, an eviction, an access review. Never sent
        twice after it may have arrived."""
        return await self._post(path, body, again=False)

    async def _post(self, path: str, body: object, *, again: bool) -> dict[str, Any]:
        request = Request(
            method="POST",
            path=path,
            query=query_of({"fieldManager": FIELD_MANAGER}),
            body=orjson.dumps(body),
            again=again,
            subject=self._subject(path),
        )
        return await self._send(request)

    async def replace(self, manifest: Manifest, *, subresource: str = "") -> dict[str, Any]:
        """The whole object, or a subresource of it, anew. Raises Conflict when its
        resourceVersion is not the newest."""
        path, subject = await self._place(manifest)
        request = Request(
            method="PUT",
            path=f"{path}/{subresource}".rstrip("/"),
            query=query_of({"fieldManager": FIELD_MANAGER}),
            body=orjson.dumps(manifest),
            again=False,
            subject=subject,
        )
        return await self._send(request)

    async def delete(
        self,
        key: ObjectKey,
        *,
        uid: str | None = None,
        version: str | None = None,
        propagation: str = "Background",
        grace: int | None = None,
    ) -> bool:
        """Whether there was one to delete. With `uid`, that very object and no successor of its
        name (Conflict), and sent again where need be; with `version`, only as it was then."""
        resource = await self.resource_of(key.kind)
        body: dict[str, Any] = {"propagationPolicy": propagation}
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        if uid or version:
            named = {"uid": uid, "resourceVersion": version}
            body["preconditions"] = {name: each for name, each in named.items() if each}
        request = Request(
            method="DELETE",
            path=resource.object_path(key.namespace, key.name),
            body=orjson.dumps(body),
            again=uid is not None,
            subject=f"{key}@{self.cell}",
        )
        try:
            await self._send(request)
        except NotFound:
            return False
        return True

    async def watch(
        self,
        kind: str,
        *,
        namespace: str | None = None,
        labels: str = "",
        fields: str = "",
        metadata: bool = False,
        shape: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> AsyncGenerator[WatchEvent, None]:
        """What there is (SYNC, all of it at once), then each change, for as long as the consumer
        stays. A SYNC that comes later replaces everything before. `shape` cuts each object to
        what the consumer keeps, before it is kept anywhere."""
        resource = await self.resource_of(kind)
        query = {"labelSelector": labels, "fieldSelector": fields}
        watch = Watch(self._paging, self._streams, self._clock, shape=shape, metadata=metadata)
        events = watch.events(resource, namespace, query)
        async with aclosing(events):
            async for event in events:
                yield event

    async def stream(
        self, path: str, query: Mapping[str, str] | None = None
    ) -> AsyncGenerator[bytes, None]:
        """An answer as it comes: a log that is followed, say."""
        chunks = self._streams.chunks(path, query_of(query or {}))
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    async def websocket(
        self, path: str, query: Sequence[tuple[str, str]], protocols: Sequence[str]
    ) -> aiohttp.ClientWebSocketResponse:
        """A WebSocket to a subresource (exec, attach, portforward); the caller closes it."""
        return await self._streams.websocket(path, query, protocols)

    async def _place(self, manifest: Manifest) -> tuple[str, str]:
        resource = await self.resource_of(manifest["kind"], manifest["apiVersion"])
        metadata = manifest["metadata"]
        key = ObjectKey(manifest["kind"], metadata.get("namespace", ""), metadata["name"])
        if key.namespace and not resource.namespaced:
            raise Refused(
                f"a {key.kind} is for the whole cluster, so it cannot be in a namespace",
                subject=f"{key}@{self.cell}",
                hint="remove it from `extra:`",
            )
        return resource.object_path(key.namespace, key.name), f"{key}@{self.cell}"

    async def _send(self, request: Request) -> dict[str, Any]:
        read: dict[str, Any] = orjson.loads(await self._sender.send(request))
        return read

    def _subject(self, path: str) -> str:
        return f"{self._discovery.subject_of(path)}@{self.cell}"
