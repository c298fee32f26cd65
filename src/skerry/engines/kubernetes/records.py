"""Releases as ControllerRevisions: in the cell, compressed, and outliving their service.

A release recorded alone is a record of its own; many of one stack recorded at once share a
few. What a list shows of a release (number, when, by whom, how it ended) is in annotations, so
that metadata is enough; its objects are in the record's data, which never changes.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from skerry.engines.kubernetes.client.client import Client
from skerry.engines.kubernetes.history import surplus
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
from skerry.model.change import Release
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

    async def record(self, releases: Sequence[Release]) -> None:
        """Write releases, or their verdicts, in few requests."""
        fresh = [each for each in releases if not self._is_known(each)]
        alone, shared = _grouped(fresh)
        await asyncio.gather(
            *(self._create((each,), single_name(each)) for each in alone),
            *(self._create(tuple(group), "") for group in shared),
            self._judge([each for each in releases if self._is_known(each)]),
        )
        if shared:
            await self._forget_surplus({stack_of(group[0].service) or "" for group in shared})

    async def releases(self, service: ServiceKey) -> tuple[Release, ...]:
        """Its releases, newest first, with their objects."""
        found = [each for each in await self._read(_selector([service])) if each.service == service]
        return tuple(sorted(found, key=lambda each: -each.number))

    async def newest(self, scope: Scope) -> dict[ServiceKey, Release]:
        """Each service's newest; with its objects where few services are asked for."""
        if scope.services is not None and len(scope.services) <= _FEW:
            found = await self._read(_selector(scope.services)) if scope.services else []
        else:
            stack = f",{STACK}={scope.stack}" if scope.services is None and scope.stack else ""
            found = await self._read(f"{KEPT}={RELEASE}{stack}", metadata=True)
        newest: dict[ServiceKey, Release] = {}
        for release in found:
            if scope.services is not None and release.service not in scope.services:
                continue
            if release.number > getattr(newest.get(release.service), "number", 0):
                newest[release.service] = release
        return newest

    async def _read(self, labels: str, *, metadata: bool = False) -> list[Release]:
        found: list[Release] = []
        listed = self._client.list(
            "ControllerRevision", namespace=SYSTEM, labels=labels, metadata=metadata
        )
        async for record in listed:
            name = record["metadata"]["name"]
            for place, release in enumerate(read_record(record)):
                self._places[release.service][release.number] = (name, place)
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

    async def _judge(self, releases: Iterable[Release]) -> None:
        """Write verdicts: a patch for each record they are in."""
        by_record: dict[str, dict[int, Release]] = defaultdict(dict)
        for release in releases:
            name, place = self._places[release.service][release.number]
            by_record[name][place] = release
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
        for number in surplus(seen):
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
        for seen in self._places.values():
            over = set(surplus(seen))
            for number, (name, _) in seen.items():
                (old if number in over else needed).add(name)
        for name in sorted(old - needed):
            await self._client.delete(ObjectKey("ControllerRevision", SYSTEM, name))
        for seen in self._places.values():
            for number in [each for each, (name, _) in seen.items() if name in old - needed]:
                del seen[number]


def _grouped(releases: Sequence[Release]) -> tuple[list[Release], list[list[Release]]]:
    """Those recorded alone, and those of one stack and shard together."""
    shared: dict[tuple[str, int], list[Release]] = defaultdict(list)
    alone: list[Release] = []
    for release in releases:
        stack = stack_of(release.service)
        if stack is None or len(releases) == 1:
            alone.append(release)
        else:
            shared[stack, shard_of(release.service)].append(release)
    groups = []
    for them in shared.values():
        if len(them) == 1:
            alone += them
            continue
        groups += [them[first : first + _TOGETHER] for first in range(0, len(them), _TOGETHER)]
    return alone, groups


def _selector(services: Collection[ServiceKey]) -> str:
    labels = {service_hash(each) for each in services}
    for each in services:
        if stack := stack_of(each):
            labels.add(shared_label(stack, shard_of(each)))
    return f"{KEPT}={RELEASE},{RECORD} in ({','.join(sorted(labels))})"
