"""Every object that is Skerry's by its labels, read page by page and kept as little as needed."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from sys import intern

from skerry.engines.kubernetes.client.client import Client
from skerry.engines.kubernetes.deleting import DATA, KINDS
from skerry.engines.kubernetes.fields import fields_digest
from skerry.engines.kubernetes.index import Entry
from skerry.engines.kubernetes.inventory import Item, drift_of, read_items
from skerry.engines.kubernetes.kept import OWNED
from skerry.errors import NotFound
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import (
    DIGEST,
    INPUTS,
    INVENTORY,
    RELEASE,
    SERVICE,
    Manifest,
    annotation,
    owner_of,
)

OURS = f"{OWNED},{SERVICE}"
"""Objects of services: what Skerry keeps for itself has no such label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What a Deployment says of its service: `items` as it is written, `entry` as the index
    should have it."""

    entry: Entry
    items: str
    drift: Mapping[str, str]

    def read(self) -> dict[ObjectKey, Item]:
        """The objects it lists."""
        return read_items({"metadata": {"annotations": {INVENTORY: self.items}}})


@dataclass(slots=True)
class Census:
    """What was found. Objects by service, without Deployments: those are in `services`."""

    services: dict[ServiceKey, Listed] = field(default_factory=dict)
    objects: dict[ServiceKey, dict[ObjectKey, Item]] = field(default_factory=dict)

    def suspects(self, service: ServiceKey, index: Mapping[ServiceKey, Entry]) -> set[ObjectKey]:
        """Objects of a service with a Deployment that deserve a second look."""
        listed = self.services[service]
        there = self.objects.get(service, {})
        wanted = listed.read()
        found = {key for key, item in wanted.items() if not _same(item, there.get(key))}
        found |= {key for key in there if key not in wanted and key.kind != DATA}
        known = index.get(service)
        if known is not None and known.fields != listed.entry.fields:
            found.add(ObjectKey("Deployment", *service))
        return found

    def bereft(self) -> Iterator[tuple[ServiceKey, list[ObjectKey]]]:
        """Objects of services that have no Deployment, but for data and where that is kept."""
        for service, objects in self.objects.items():
            if service in self.services:
                continue
            holding = {key.namespace for key in objects if key.kind == DATA}
            keys = [
                key
                for key in sorted(objects)
                if key.kind != DATA and not (key.kind == "Namespace" and key.name in holding)
            ]
            if keys:
                yield service, keys


async def take_census(client: Client) -> Census:
    """Two or three kinds at once: more would only make the server slow for others."""
    census = Census()
    extra: set[str] = set()
    async for deployment in client.list("Deployment", labels=OURS, metadata=True):
        service = owner_of(deployment)
        if service is not None and deployment["metadata"]["name"] == service.name:
            listed = census.services[service] = _listed(deployment)
            extra |= {key.kind for key in listed.read()} - set(KINDS)
    slots = asyncio.Semaphore(3)

    async def read(kind: str) -> None:
        async with slots:
            await _read_kind(client, kind, census)

    await asyncio.gather(*(read(kind) for kind in (*KINDS, *sorted(extra)) if kind != "Deployment"))
    return census


async def _read_kind(client: Client, kind: str, census: Census) -> None:
    try:
        async for each in client.list(kind, labels=OURS, metadata=True):
            service = owner_of(each)
            if service is not None and not each["metadata"].get("ownerReferences"):
                metadata = each["metadata"]
                key = ObjectKey(kind, metadata.get("namespace", ""), metadata["name"])
                census.objects.setdefault(service, {})[key] = seen(each)
    except NotFound:
        return  # a cluster without such a kind has none of its objects


def seen(live: Manifest) -> Item:
    """An object as it is."""
    return Item(digest=intern(annotation(live, DIGEST) or ""), fields=intern(fields_digest(live)))


def _listed(deployment: Manifest) -> Listed:
    return Listed(
        entry=Entry(
            inputs=annotation(deployment, INPUTS) or "",
            release=annotation(deployment, RELEASE) or "0",
            fields=fields_digest(deployment),
        ),
        items=annotation(deployment, INVENTORY) or "{}",
        drift=drift_of(deployment),
    )


def _same(wanted: Item, there: Item | None) -> bool:
    return there is not None and wanted == there
