"""What is wanted and what is there, in memory; written through to the object store."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from skerry.engines.local.replica import Replica, recall, replica_to_fact
from skerry.model.change import Release
from skerry.model.keys import ObjectKey, ServiceKey, parse_service_key
from skerry.model.objects import STACK, Manifest, key_of, owner_of
from skerry.model.proxy import Address, ProxyConfig
from skerry.model.world import Override, Scope
from skerry.ports import ObjectStore

OVERRIDES: Final = "override"
REPLICAS: Final = "replica"
DOOMED: Final = "doomed-volume"


@dataclass(slots=True, eq=False)
class Watcher:
    """Somebody who wants to know when something in scope changes."""

    scope: Scope
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class CellState:
    """The engine's memory. Reads are plain attributes; what must survive goes through the
    methods, which write to the store first."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store
        self.objects: dict[ObjectKey, Manifest] = {}
        self.overrides: dict[ServiceKey, Override] = {}
        self.newest: dict[ServiceKey, Release] = {}
        self.replicas: dict[str, Replica] = {}
        self.doomed: dict[str, str] = {}
        self.recalled: dict[str, Mapping[str, Any]] = {}
        self.problems: dict[str, str] = {}
        self.served: frozenset[Address] = frozenset()
        self._watchers: list[Watcher] = []
        self._owned: dict[ServiceKey, set[ObjectKey]] = {}

    async def load(self) -> None:
        """Read everything back."""
        for manifest in await self.store.objects():
            self._put(manifest)
        for release in await self.store.releases(newest_only=True):
            self.newest[release.service] = release
        for key, fact in (await self.store.facts(OVERRIDES)).items():
            self.overrides[parse_service_key(key)] = _override(fact)
        for name, fact in (await self.store.facts(DOOMED)).items():
            self.doomed[name] = str(fact.get("service", ""))
        self.recalled = dict(await self.store.facts(REPLICAS))

    # Objects

    async def write(self, puts: Sequence[Manifest], deletes: Sequence[ObjectKey]) -> None:
        """Put and delete, all or nothing."""
        await self.store.write(puts, deletes)
        for key in deletes:
            self._delete(key)
        for manifest in puts:
            self._put(manifest)

    def owned(self, service: ServiceKey) -> list[Manifest]:
        """A service's objects, in the order of their keys."""
        return [self.objects[key] for key in sorted(self._owned.get(service, ()))]

    def within(self, scope: Scope) -> list[ServiceKey]:
        """Every service in scope that owns something, sorted."""
        return [service for service in sorted(self._owned) if self.holds(scope, service)]

    def holds(self, scope: Scope, service: ServiceKey) -> bool:
        """Whether the service is in scope."""
        if scope.services is not None or scope.stack is None:
            return scope.holds(service)
        owned = (self.objects[key]["metadata"] for key in self._owned.get(service, ()))
        return any((each.get("labels") or {}).get(STACK) == scope.stack for each in owned)

    def deployment(self, service: ServiceKey) -> Manifest | None:
        """The service's Deployment."""
        usual = self.objects.get(ObjectKey("Deployment", service.namespace, service.name))
        if usual is not None and owner_of(usual) == service:
            return usual
        keys = self._owned.get(service, ())
        return next((self.objects[key] for key in keys if key.kind == "Deployment"), None)

    def deployments(self) -> dict[ServiceKey, Manifest]:
        """Every Deployment, by service."""
        return {
            service: manifest
            for service in self._owned
            if (manifest := self.deployment(service)) is not None
        }

    def _put(self, manifest: Manifest) -> None:
        key = key_of(manifest)
        self._delete(key)
        self.objects[key] = manifest
        if (service := owner_of(manifest)) is not None:
            self._owned.setdefault(service, set()).add(key)

    def _delete(self, key: ObjectKey) -> None:
        gone = self.objects.pop(key, None)
        if gone is not None and (service := owner_of(gone)) is not None:
            self._owned[service].discard(key)
            if not self._owned[service]:
                del self._owned[service]

    # Replicas

    def of(self, service: ServiceKey) -> list[Replica]:
        """A service's replicas, oldest first."""
        mine = [replica for replica in self.replicas.values() if replica.service == service]
        return sorted(mine, key=lambda replica: (replica.born, replica.pod))

    async def remember(self, replica: Replica) -> None:
        """Keep what of it must outlive the server."""
        await self.store.put_fact(REPLICAS, replica.pod, replica_to_fact(replica))

    async def forget(self, pod: str) -> None:
        """Forget a replica that is gone."""
        self.recalled.pop(pod, None)
        await self.store.put_fact(REPLICAS, pod, None)

    def recall(self, replica: Replica, now: datetime) -> bool:
        """Give an adopted replica its memory back; whether there was any."""
        fact = self.recalled.pop(replica.pod, None)
        if fact is not None:
            recall(replica, fact, now)
        return fact is not None

    def serve(self, config: ProxyConfig) -> None:
        """The gateway now sends requests to these, and to nobody else."""
        served = frozenset(address for one in config.backends for address in one.endpoints)
        turned, self.served = served ^ self.served, served
        for replica in self.replicas.values():
            if replica.address in turned:
                self.touch(replica.service)

    # Overrides and volumes

    async def override(self, service: ServiceKey, override: Override | None) -> None:
        """Set or lift a count set by hand."""
        if override is None and service not in self.overrides:
            return
        fact = None if override is None else _override_fact(override)
        await self.store.put_fact(OVERRIDES, str(service), fact)
        if override is None:
            self.overrides.pop(service, None)
        else:
            self.overrides[service] = override

    async def doom(self, volume: str, service: ServiceKey | None) -> None:
        """Note a volume for removal (or, with None, that it is gone or wanted again)."""
        await self.store.put_fact(DOOMED, volume, {"service": str(service)} if service else None)
        if service is None:
            self.doomed.pop(volume, None)
        else:
            self.doomed[volume] = str(service)

    # Changes

    def touch(self, service: ServiceKey | None = None) -> None:
        """Tell watchers that something changed: of a service, or (None) of all."""
        for watcher in self._watchers:
            if service is None or self.holds(watcher.scope, service):
                watcher.changed.set()

    @contextmanager
    def watching(self, scope: Scope) -> Iterator[Watcher]:
        """Be told of changes in scope."""
        watcher = Watcher(scope)
        self._watchers.append(watcher)
        try:
            yield watcher
        finally:
            self._watchers.remove(watcher)

    def say(self, topic: str, problem: str) -> None:
        """Note a trouble of the whole cell, or (empty) that it is over."""
        if self.problems.get(topic, "") == problem:
            return
        if problem:
            self.problems[topic] = problem
        else:
            self.problems.pop(topic, None)
        self.touch()


def _override_fact(override: Override) -> dict[str, Any]:
    return {
        "replicas": override.replicas,
        "by": override.by,
        "at": override.at.isoformat(),
        "until": override.until and override.until.isoformat(),
    }


def _override(fact: Mapping[str, Any]) -> Override:
    until = fact.get("until")
    return Override(
        replicas=int(fact["replicas"]),
        by=str(fact["by"]),
        at=datetime.fromisoformat(fact["at"]),
        until=datetime.fromisoformat(until) if until else None,
    )
