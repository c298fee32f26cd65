"""The index: which inputs every service was applied with, in a few objects one request reads.

A cache. Before a service is changed its entry is spoilt, and after it is written anew: a
writer that dies in between leaves an entry that only costs a look. `verify` writes all of it
anew from the objects.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from skerry.engines.kubernetes.client.client import Client
from skerry.engines.kubernetes.kept import (
    INDEX,
    KEPT,
    SHARDS,
    SYSTEM,
    kept_labels,
    read,
    shard_of,
    written,
)
from skerry.engines.kubernetes.namespaces import ensure_namespace, exists
from skerry.errors import Conflict, NotFound, SkerryError
from skerry.model.keys import ServiceKey

SPOILT: Final = "changing"
"""Instead of the digest while a service is changed; its repository's mark stays, so that a
plan still knows whose it is."""

FEW: Final = 4
"""Up to so many shards are read one by one; more, and all of it is read at once."""

WAVES: Final = "wave.skerry.dev/"
"""+ a lease's name: the annotation by which one who changes many tells those who change one."""


Entries = Mapping[ServiceKey, "Entry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the index says of a service: its inputs' digest, the number of its release, and
    the digest of the fields of its Deployment that are ours (see `fields`)."""

    inputs: str
    release: str = "0"
    fields: str = ""

    def write(self) -> str:
        """As the ConfigMap holds it."""
        return f"{self.inputs} {self.release} {self.fields}".rstrip()

    @classmethod
    def read(cls, text: str) -> Self:
        """What `write` wrote."""
        inputs, release, fields, *_ = [*text.split(" "), "", "", ""]
        return cls(inputs=inputs, release=release or "0", fields=fields)

    @property
    def spoilt(self) -> Self:
        """The entry while its service is being changed."""
        mark = self.inputs.rpartition("-")[2]
        return type(self)(inputs=f"{SPOILT}-{mark}", release=self.release)


class Index:
    """One cell's. `put` says what is to be written, `flush` writes it, a request a shard."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._pending: dict[ServiceKey, Entry | None] = {}
        self._flushing = asyncio.Lock()

    async def read(self) -> Entries:
        """All of it, in one request, with what is about to be written."""
        found = {key: entry for shard in await self._shards() for key, entry in _entries(shard)}
        for service, entry in self._pending.items():
            if entry is None:
                found.pop(service, None)
            else:
                found[service] = entry
        return found

    async def look(self, services: Collection[ServiceKey]) -> tuple[Entries, Mapping[str, str]]:
        """These services' entries as the cell has them now, and the marks beside them."""
        places = {shard_of(each) for each in services}
        if len(places) <= FEW:
            read = await asyncio.gather(*(self._shard(each) for each in places))
            shards = [each for each in read if each is not None]
        else:
            shards = await self._shards()
        entries = {key: entry for each in shards for key, entry in _entries(each)}
        marks = {name: by for each in shards for name, by in _marks(each)}
        return {each: entries[each] for each in services if each in entries}, marks

    def put(self, service: ServiceKey, entry: Entry | None) -> None:
        """What a service's entry is to be; None: no entry."""
        self._pending[service] = entry

    async def spoil(self, services: Collection[ServiceKey], known: Entries) -> None:
        """Before these are changed: their entries, which are as `look` found them, are worth
        nothing from here on."""
        for service in services:
            self._pending[service] = known[service].spoilt if service in known else None
        await self.flush()

    async def mark(self, wave: str, by: str) -> None:
        """Tell in every shard that somebody changes many."""
        await self._write(range(SHARDS), {f"{WAVES}{wave}": by})

    async def flush(self) -> None:
        """Write what is pending. What could not be written stays pending."""
        await self._write({shard_of(each) for each in self._pending}, {})

    def forget(self, services: Collection[ServiceKey]) -> None:
        """Write nothing of these any more: others may be at them."""
        for service in services:
            self._pending.pop(service, None)

    async def lift(self, wave: str) -> None:
        """Take the marks of a wave away, and write what is pending."""
        await self._write(range(SHARDS), {f"{WAVES}{wave}": None})

    async def _shards(self) -> list[Mapping[str, Any]]:
        labels = f"{KEPT}={INDEX}"
        listed = self._client.list("ConfigMap", namespace=SYSTEM, labels=labels)
        return [each async for each in listed]

    async def _shard(self, shard: int) -> Mapping[str, Any] | None:
        try:
            return await self._client.get(self._path(shard))
        except NotFound:
            return None  # none of its services was ever applied here

    async def _write(self, shards: Collection[int], marks: Mapping[str, str | None]) -> None:
        async with self._flushing:
            await asyncio.gather(*(self._write_shard(shard, marks) for shard in sorted(shards)))

    async def _write_shard(self, shard: int, marks: Mapping[str, str | None]) -> None:
        taken = {key: each for key, each in self._pending.items() if shard_of(key) == shard}
        for service in taken:
            del self._pending[service]
        data = {written(key): each and each.write() for key, each in taken.items()}
        body = {"metadata": {"annotations": dict(marks)}, "data": data}
        try:
            await self._merge(shard, body)
        except (SkerryError, asyncio.CancelledError):
            for service, entry in taken.items():
                self._pending.setdefault(service, entry)
            raise

    async def _merge(self, shard: int, body: dict[str, Any]) -> None:
        path = self._path(shard)
        try:
            await self._client.patch(path, body)
            return
        except NotFound:
            await ensure_namespace(self._client, SYSTEM)
        empty = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": _name(shard), "namespace": SYSTEM, "labels": kept_labels(INDEX)},
        }
        try:
            await self._client.create(empty)
        except Conflict as error:
            if not exists(error):
                raise
        await self._client.patch(path, body)

    def _path(self, shard: int) -> str:
        return self._client.path_of("ConfigMap", SYSTEM, _name(shard))


def _name(shard: int) -> str:
    return f"{INDEX}-{shard:02d}"


def _entries(shard: Mapping[str, Any]) -> Iterator[tuple[ServiceKey, Entry]]:
    for key, text in (shard.get("data") or {}).items():
        yield read(key), Entry.read(text)


def _marks(shard: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, by in (shard["metadata"].get("annotations") or {}).items():
        if name.startswith(WAVES):
            yield name.removeprefix(WAVES), by
