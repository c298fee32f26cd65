"""Releases as ControllerRevisions: in the cell, compressed, and outliving their service.

A release recorded alone is a record of its own; many of one stack recorded at once share a
few. What a list shows of a release (number, when, by whom, how it ended) is in annotations, so
that metadata is enough; its objects are in the record's data, which never changes.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from skerry.engines.kubernetes.batches import Batches
from skerry.engines.kubernetes.client.client import Client
from skerry.engines.kubernetes.history import HISTORY, surplus
from skerry.engines.kubernetes.kept import (
    KEPT,
    RELEASE,
    SYSTEM,
    service_hash,
    shard_of,
    stack_of,
)
from skerry.engines.kubernetes.namespaces import ensure_namespace, exists
from skerry.engines.kubernetes.record import (
    RECORD,
    read_record,
    record_of,
    shared_label,
    single_name,
    verdict_patch,
)
from skerry.errors import Conflict, NotFound
from skerry.model.change import Release, Verdict
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import STACK
from skerry.model.world import Scope

_TOGETHER: Final = 64
"""So many releases share a record at most: some 100 kB compressed."""
_FEW: Final = 16
"""Up to so many services' releases are read with their objects."""
Place = tuple[str, int]


class Records:
    """One cell's releases."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._places: dict[ServiceKey, dict[int, Place]] = defaultdict(dict)
        self._good: dict[ServiceKey, int] = {}  # the newest that was up
        self._histories = Batches(self._read_histories)
        self._fresh: dict[tuple[ServiceKey, int], Release] = {}
        self._recording = Batches(self._record_together)

    async def record(self, releases: Sequence[Release]) -> None:
        """Write releases, or their verdicts, in few requests. What is recorded one by one at
        the same time shares records too, but for tenants: of each a record of its own is read
        quickly, however many tenants there are."""
        first = releases[0] if len(releases) == 1 else None
        if first is None or self._is_known(first) or stack_of(first.service) is not None:
            await self._record(releases)
            return
        place = (first.service, first.number)
        self._fresh[place] = first
        try:
            await self._recording.ask(place)
        finally:
            del self._fresh[place]

    async def _record_together(
        self, places: frozenset[tuple[ServiceKey, int]]
    ) -> dict[tuple[ServiceKey, int], None]:
        await self._record([self._fresh[each] for each in sorted(places) if each in self._fresh])
        return {}

    async def _record(self, releases: Sequence[Release]) -> None:
        fresh = [each for each in releases if not self._is_known(each)]
        alone, shared = _grouped(fresh)
        await asyncio.gather(
            *(self._create((each,), single_name(each)) for each in alone),
            *(self._create(tuple(group), "") for group in shared),
            self._judge([each for each in releases if self._is_known(each)]),
        )
        full = (group for group in shared if any(each.number > HISTORY for each in group))
        if stacks := {stack_of(group[0].service) or "" for group in full}:
            await self._forget_surplus(stacks)

    async def releases(self, service: ServiceKey) -> tuple[Release, ...]:
        """Its releases, newest first, with their objects."""
        return await self._histories.ask(service) or ()

    async def _read_histories(
        self, services: frozenset[ServiceKey]
    ) -> dict[ServiceKey, tuple[Release, ...]]:
        found: dict[ServiceKey, list[Release]] = {each: [] for each in services}
        for release in await self._read(_selector(services), services):
            found[release.service].append(release)
        return {
            service: tuple(sorted(releases, key=lambda each: -each.number))
            for service, releases in found.items()
        }

    async def newest(self, scope: Scope) -> dict[ServiceKey, Release]:
        """Each service's newest; with its objects where few services are asked for."""
        if scope.services is not None and len(scope.services) <= _FEW:
            labels = _selector(scope.services)
            found = await self._read(labels, scope.services) if scope.services else []
        else:
            stack = f",{STACK}={scope.stack}" if scope.services is None and scope.stack else ""
            labels = f"{KEPT}={RELEASE}{stack}"
            found = await self._read(labels, scope.services, metadata=True)
        newest: dict[ServiceKey, Release] = {}
        for release in found:
            if release.number > getattr(newest.get(release.service), "number", 0):
                newest[release.service] = release
        return newest

    async def _read(
        self,
        labels: str,
        services: Collection[ServiceKey] | None = None,
        *,
        metadata: bool = False,
    ) -> list[Release]:
        found: list[Release] = []
        listed = self._client.list(
            "ControllerRevision", namespace=SYSTEM, labels=labels, metadata=metadata
        )
        async for record in listed:
            name = record["metadata"]["name"]
            for place, release in read_record(record, services).items():
                self._places[release.service][release.number] = (name, place)
                self._heed(release)
                found.append(release)
        return found

    def _is_known(self, release: Release) -> bool:
        return release.number in self._places[release.service]

    async def _create(self, releases: Sequence[Release], name: str) -> None:
        """A record of these. One that is there has the verdict written instead."""
        manifest = record_of(releases, name=name)
        try:
            await self._post(manifest)
        except Conflict as error:
            if not exists(error):
                raise
            self._note(releases, manifest["metadata"]["name"])
            await self._judge(releases)
            return
        self._note(releases, manifest["metadata"]["name"])
        if len(releases) == 1:
            await self._forget(releases[0])

    async def _post(self, manifest: Mapping[str, Any]) -> None:
        try:
            await self._client.create(manifest)
        except NotFound:
            await ensure_namespace(self._client, SYSTEM)
            await self._client.create(manifest)

    def _note(self, releases: Iterable[Release], name: str) -> None:
        for place, release in enumerate(releases):
            self._places[release.service][release.number] = (name, place)
            self._heed(release)

    def _heed(self, release: Release) -> None:
        if release.verdict is Verdict.DEPLOYED:
            known = self._good.get(release.service, 0)
            self._good[release.service] = max(known, release.number)

    async def _judge(self, releases: Iterable[Release]) -> None:
        """Write verdicts: a patch for each record they are in."""
        by_record: dict[str, dict[int, Release]] = defaultdict(dict)
        for release in releases:
            name, place = self._places[release.service][release.number]
            by_record[name][place] = release
            self._heed(release)
        await asyncio.gather(*(self._patch(name, judged) for name, judged in by_record.items()))

    async def _patch(self, name: str, judged: Mapping[int, Release]) -> None:
        path = self._client.path_of("ControllerRevision", SYSTEM, name)
        try:
            await self._client.patch(path, verdict_patch(judged))
        except NotFound:  # somebody removed it: it is written anew, with its verdict
            for release in judged.values():
                del self._places[release.service][release.number]
                await self._create((release,), single_name(release))

    async def _forget(self, release: Release) -> None:
        """What is older than history goes, as far as it was seen."""
        seen = self._places[release.service]
        for number in surplus(seen, good=self._good.get(release.service)):
            name, _ = seen[number]
            if name.startswith("r-"):
                await self._client.delete(ObjectKey("ControllerRevision", SYSTEM, name))
                del seen[number]

    async def _forget_surplus(self, stacks: Collection[str]) -> None:
        """Shared records none of whose releases is within its service's history."""
        for stack in stacks:
            await self._read(f"{KEPT}={RELEASE},{STACK}={stack}", metadata=True)
        old: set[str] = set()
        needed: set[str] = set()
        for service, seen in self._places.items():
            over = set(surplus(seen, good=self._good.get(service)))
            for number, (name, _) in seen.items():
                (old if number in over else needed).add(name)
        for name in sorted(old - needed):
            await self._client.delete(ObjectKey("ControllerRevision", SYSTEM, name))
        for seen in self._places.values():
            for number in [each for each, (name, _) in seen.items() if name in old - needed]:
                del seen[number]


def _grouped(releases: Sequence[Release]) -> tuple[list[Release], list[list[Release]]]:
    """Those recorded alone, and those of one shard of a stack, or of no stack, together."""
    if len(releases) == 1:
        return [*releases], []
    shared: dict[tuple[str, int], list[Release]] = defaultdict(list)
    for release in releases:
        shared[stack_of(release.service) or "", shard_of(release.service)].append(release)
    alone: list[Release] = []
    groups = []
    for them in shared.values():
        if len(them) == 1:
            alone += them
            continue
        groups += [them[first : first + _TOGETHER] for first in range(0, len(them), _TOGETHER)]
    return alone, groups


def _selector(services: Collection[ServiceKey]) -> str:
    labels = {service_hash(each) for each in services}
    labels |= {shared_label(stack_of(each) or "", shard_of(each)) for each in services}
    return f"{KEPT}={RELEASE},{RECORD} in ({','.join(sorted(labels))})"
