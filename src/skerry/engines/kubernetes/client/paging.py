"""Lists, page by page."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from skerry.engines.kubernetes.client.failures import ApiError
from skerry.engines.kubernetes.client.resources import Resource
from skerry.engines.kubernetes.client.retrying import Sender
from skerry.engines.kubernetes.client.transport import JSON, METADATA_LIST, Request, query_of

GONE: Final = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of a list, the moment it is of, and the token of what comes after it."""

    items: tuple[dict[str, Any], ...]
    resource_version: str
    after: str


class Paging:
    """Lists of one cluster."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def pages(
        self,
        resource: Resource,
        namespace: str | None,
        query: Mapping[str, str],
        *,
        metadata: bool,
    ) -> AsyncGenerator[Page, None]:
        """A list to read through once. When the moment it began at is forgotten meanwhile (410),
        the server's own token goes on from the same place at the newest state; without one it
        begins anew, past what was given already."""
        given = floor = token = ""
        while True:
            try:
                page = await self.page(resource, namespace, query, token=token, metadata=metadata)
            except ApiError as error:
                if error.status != GONE or not token:
                    raise
                token = str(error.metadata.get("continue") or "")
                floor = "" if token else given
                continue
            if floor:
                page = replace(page, items=tuple(i for i in page.items if _place(i) > floor))
            given = _place(page.items[-1]) if page.items else given
            token = page.after
            yield page
            if not token:
                return

    async def page(
        self,
        resource: Resource,
        namespace: str | None,
        query: Mapping[str, str],
        *,
        token: str,
        metadata: bool,
    ) -> Page:
        """One page, the first without a token. Raises ApiError 410 for a token too old."""
        request = Request(
            method="GET",
            path=resource.path(namespace),
            query=query_of({**query, "continue": token}),
            accept=METADATA_LIST if metadata else JSON,
            subject=f"{resource.kind}/{namespace or ''}".rstrip("/"),
        )
        listed = orjson.loads(await self._sender.send(request))
        items = listed.get("items") or ()
        for item in items:  # a list says once what its items are
            item["kind"], item["apiVersion"] = resource.kind, resource.api_version
        said = listed["metadata"]
        return Page(
            items=tuple(items),
            resource_version=str(said.get("resourceVersion", "")),
            after=str(said.get("continue") or ""),
        )


def _place(item: Mapping[str, Any]) -> str:
    """Lists come in the order of this."""
    metadata = item["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"
