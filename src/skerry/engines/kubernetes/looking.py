"""The cheapest look that a plan can be made from: Deployments, and what they list."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from skerry.engines.kubernetes.inventory import ABSENT, Live, as_applied, filled, live_of
from skerry.engines.kubernetes.kept import OWNED
from skerry.engines.kubernetes.overrides import as_documented
from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.records import Records
from skerry.errors import NotFound
from skerry.model.change import Release
from skerry.model.keys import ServiceKey
from skerry.model.objects import STACK, Manifest, owner_of
from skerry.model.world import Observation, Scope

FEW: Final = 32
"""Up to so many services are asked for one by one; more are read page by page."""
_REMEMBERED: Final = 50_000


class Looks:
    """Looks at one cell, and what was seen: an apply that follows need not ask again, for it
    says to the server which version it has seen."""

    def __init__(self, parts: Parts, records: Records) -> None:
        self._parts = parts
        self._records = records
        self._seen: dict[ServiceKey, Live] = {}

    async def inventory(self, scope: Scope) -> Observation:
        """Everything in scope, as it was applied."""
        deployments, releases = await asyncio.gather(
            self._deployments(scope), self._records.newest(scope)
        )
        objects: list[Manifest] = []
        for deployment in deployments:
            objects += _as_planned(deployment, releases)
        return Observation(
            cell=self._parts.name,
            at=self._parts.clock.now(),
            objects=tuple(objects),
            releases=releases,
        )

    async def live(self, service: ServiceKey) -> Live:
        """A service as it was seen last, or is now when it was never."""
        seen = self._seen.get(service)
        return seen if seen is not None else await self.look(service)

    async def look(self, service: ServiceKey) -> Live:
        """A service as it is now."""
        deployment = await self._deployment(service)
        return self._note(service, deployment) if deployment is not None else ABSENT

    def forget(self, service: ServiceKey) -> None:
        """What was seen of it is no longer so."""
        self._seen.pop(service, None)

    def note(self, service: ServiceKey, live: Live) -> None:
        """This is how it is now."""
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen[service] = live

    async def _deployments(self, scope: Scope) -> list[Manifest]:
        services = scope.services
        if services is not None and len(services) <= FEW:
            looks = (self._deployment(each) for each in sorted(services))
            ours = [each for each in await asyncio.gather(*looks) if each is not None]
        else:
            stack = f",{STACK}={scope.stack}" if services is None and scope.stack else ""
            listed = self._parts.client.list("Deployment", labels=f"{OWNED}{stack}")
            ours = [each async for each in self._in_scope(listed, scope)]
            for service in (services or frozenset()) - {owner_of(each) for each in ours}:
                self.note(service, ABSENT)
        return [_bare(each) for each in ours]

    async def _in_scope(
        self, listed: AsyncIterator[dict[str, Any]], scope: Scope
    ) -> AsyncIterator[Manifest]:
        async for deployment in listed:
            service = owner_of(deployment)
            if service is not None and (scope.services is None or service in scope.services):
                self._note(service, deployment)
                yield deployment

    async def _deployment(self, service: ServiceKey) -> Manifest | None:
        """None also when it is somebody else's: what is not Skerry's is nobody's to plan."""
        path = self._parts.client.path_of("Deployment", service.namespace, service.name)
        try:
            deployment = await self._parts.client.get(path)
        except NotFound:
            deployment = None
        if deployment is None or owner_of(deployment) != service:
            self.note(service, ABSENT)
            return None
        self._note(service, deployment)
        return deployment

    def _note(self, service: ServiceKey, deployment: Manifest) -> Live:
        live = live_of(deployment)
        self.note(service, live)
        return live


def _as_planned(
    deployment: Manifest, releases: Mapping[ServiceKey, Release]
) -> tuple[Manifest, ...]:
    service = owner_of(deployment)
    release = releases.get(service) if service is not None else None
    return tuple(filled(as_applied(deployment), release.objects if release else ()))


def _bare(deployment: Manifest) -> Manifest:
    """Without what only `fields` reads: a third of it."""
    metadata = {key: each for key, each in deployment["metadata"].items() if key != "managedFields"}
    return as_documented({**deployment, "metadata": metadata})
