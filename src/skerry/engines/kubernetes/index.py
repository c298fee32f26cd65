"""The index: which inputs every service was applied with, in a few objects one request reads.

A cache. Before a service is changed its entry is spoilt, and after it is written anew: a
writer that dies in between leaves an entry that only costs a look. `verify` writes all of it
anew from the objects.
"""

import asyncio
from collections.abc import Collection, Mapping
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

WAVES: Final = "wave.skerry.dev/"
"""+ a lease's name: the annotation by which one who changes many tells those who change one."""


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
        self._known: dict[ServiceKey, Entry] | None = None
        self._pending: dict[ServiceKey, Entry | None] = {}
        self._flushing = asyncio.Lock()

    async def read(self) -> Mapping[ServiceKey, Entry]:
        """All of it, in one request, with what is about to be written."""
        found: dict[ServiceKey, Entry] = {}
        labels = f"{KEPT}={INDEX}"
        try:
            async for shard in self._client.list("ConfigMap", namespace=SYSTEM, labels=labels):
                for key, text in (shard.get("data") or {}).items():
                    found[read(key)] = Entry.read(text)
        except NotFound:
            pass  # nothing was ever applied here
        for service, entry in self._pending.items():
            _set(found, service, entry)
        self._known = found
        return found

    async def known(self) -> Mapping[ServiceKey, Entry]:
        """As it was read last, and written since."""
        return self._known if self._known is not None else await self.read()

    def put(self, service: ServiceKey, entry: Entry | None) -> None:
        """What a service's entry is to be; None: no entry."""
        self._pending[service] = entry
        if self._known is not None:
            _set(self._known, service, entry)

    async def spoil(
        self, services: Collection[ServiceKey], *, wave: Mapping[str, str | None] | None = None
    ) -> tuple[Mapping[str, str], ...]:
        """Before these are changed: their entries are worth nothing from here on. `wave` are
        marks to set or (None) to lift in every shard. Returns the marks of waves found."""
        known = await self.known()
        for service in services:
            self._pending[service] = known[service].spoilt if service in known else None
        shards = range(SHARDS) if wave is not None else {shard_of(each) for each in services}
        answers = await self._write(shards, wave or {})
        return tuple(_waves(each) for each in answers)

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

    async def _write(
        self, shards: Collection[int], marks: Mapping[str, str | None]
    ) -> list[dict[str, Any]]:
        async with self._flushing:
            return list(
                await asyncio.gather(*(self._write_shard(shard, marks) for shard in sorted(shards)))
            )

    async def _write_shard(self, shard: int, marks: Mapping[str, str | None]) -> dict[str, Any]:
        taken = {key: each for key, each in self._pending.items() if shard_of(key) == shard}
        for service in taken:
            del self._pending[service]
        data = {written(key): each and each.write() for key, each in taken.items()}
        body = {"metadata": {"annotations": dict(marks)}, "data": data}
        try:
            return await self._merge(shard, body)
        except (SkerryError, asyncio.CancelledError):
            for service, entry in taken.items():
                self._pending.setdefault(service, entry)
            raise

    async def _merge(self, shard: int, body: dict[str, Any]) -> dict[str, Any]:
        name = f"{INDEX}-{shard:02d}"
        path = self._client.path_of("ConfigMap", SYSTEM, name)
        try:
            return await self._client.patch(path, body)
        except NotFound:
            await ensure_namespace(self._client, SYSTEM)
        empty = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": SYSTEM, "labels": kept_labels(INDEX)},
        }
        try:
            await self._client.create(empty)
        except Conflict as error:
            if not exists(error):
                raise
        return await self._client.patch(path, body)


def _set(entries: dict[ServiceKey, Entry], service: ServiceKey, entry: Entry | None) -> None:
    if entry is None:
        entries.pop(service, None)
    else:
        entries[service] = entry


def _waves(shard: Mapping[str, Any]) -> Mapping[str, str]:
    annotations = shard["metadata"].get("annotations") or {}
    return {
        name.removeprefix(WAVES): value
        for name, value in annotations.items()
        if name.startswith(WAVES)
    }
