"""What Skerry may touch: its own. Everything is looked at before it is applied first.

An object of a service's inventory is Skerry's. One that is not may be there all the same:
somebody else's, which stops the apply, or ours, from an apply that was cut short.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, Final

from skerry.engines.kubernetes.kept import OWNED
from skerry.engines.kubernetes.parts import Parts
from skerry.errors import Conflict, NotFound
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import FIELD_MANAGER, MANAGED_BY, SERVICE, Manifest, key_of, owner_of

_LOOK_SECONDS: Final = 20.0
_MOST_TAKEN: Final = 500
_LISTED: Final = frozenset({"Deployment", "Namespace"})  # all of them, not only others'
Place = tuple[str, str]


class Claims:
    """Looks at what is there before it is ours. Many applies at once, in a block of `writing`,
    share a look at what is not Skerry's in a namespace."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._looks: dict[Place, tuple[float, asyncio.Task[frozenset[str] | None]]] = {}

    async def check(
        self,
        service: ServiceKey,
        manifests: Collection[Manifest],
        *,
        crowded: frozenset[str],
        empty: frozenset[str] = frozenset(),
    ) -> frozenset[ObjectKey]:
        """Those that are there and the service's, as far as they were looked at one by one.
        `crowded` are namespaces in which many services are being applied, and "" where many
        namespaces are; in those that are `empty` nothing is looked for. Raises Conflict, naming
        an object that is there and not the service's."""
        places = [each for each in manifests if each["kind"] == "Namespace"]
        fresh = {
            each["metadata"]["name"]
            for each in places
            if not await self._check(service, each, crowded=crowded)
        } | empty
        rest = [
            each
            for each in manifests
            if each["kind"] != "Namespace" and each["metadata"].get("namespace") not in fresh
        ]
        looks = (self._check(service, each, crowded=crowded) for each in rest)
        there = await asyncio.gather(*looks)
        return frozenset(key_of(each) for each, is_ in zip(rest, there, strict=True) if is_)

    async def owned(self, service: ServiceKey, key: ObjectKey) -> str | None:
        """The uid of an object that is the service's; None when there is none. Raises Conflict
        when it is somebody else's."""
        path = await self._path({"kind": key.kind}, key)
        try:
            there = await self._parts.client.get(path, metadata=True)
        except NotFound:
            return None
        self._must_be(service, key, {**there, "kind": key.kind})
        return str(there["metadata"]["uid"])

    async def _check(
        self, service: ServiceKey, manifest: Manifest, *, crowded: frozenset[str]
    ) -> bool:
        key = key_of(manifest)
        if key.namespace in crowded:
            taken = await self._taken((key.kind, key.namespace))
            if taken is not None and key.name not in taken:
                return False
        return await self._is_there(service, manifest)

    async def _is_there(self, service: ServiceKey, manifest: Manifest) -> bool:
        key = key_of(manifest)
        path = await self._path(manifest, key)
        try:
            there = await self._parts.client.get(path, metadata=True)
        except NotFound:
            return False
        self._must_be(service, key, {**there, "kind": key.kind})
        return True

    async def _path(self, manifest: Mapping[str, Any], key: ObjectKey) -> str:
        resource = await self._parts.client.resource_of(key.kind, manifest.get("apiVersion"))
        return resource.object_path(key.namespace, key.name)

    def _must_be(self, service: ServiceKey, key: ObjectKey, there: Manifest) -> None:
        owner = owner_of(there)
        if owner == service or _is_ensured(there):
            return
        if owner is None:
            raise Conflict(
                "is there already and not Skerry's to touch",
                subject=f"{key}@{self._parts.name}",
                hint="rename the service, or remove the object by hand",
            )
        raise Conflict(
            f"belongs to service {owner}, not to {service}",
            subject=f"{key}@{self._parts.name}",
            hint=f"skerry status {owner}",
        )

    async def _taken(self, place: Place) -> frozenset[str] | None:
        """Names that are not Skerry's, or of Deployments and Namespaces all there are; None
        where those are too many to look at at once."""
        now = self._parts.clock.monotonic()
        at, look = self._looks.get(place, (float("-inf"), None))
        if look is None or now - at > _LOOK_SECONDS or _failed(look):
            look = self._parts.tasks.spawn(self._list_taken(place), name=f"claims {place}")
            self._looks[place] = (now, look)
        return await asyncio.shield(look)

    async def _list_taken(self, place: Place) -> frozenset[str] | None:
        kind, namespace = place
        labels = "" if kind in _LISTED else OWNED.replace("=", "!=")
        names: set[str] = set()
        async for each in self._parts.client.list(
            kind, namespace=namespace, labels=labels, metadata=True
        ):
            names.add(each["metadata"]["name"])
            if len(names) > _MOST_TAKEN and kind not in _LISTED:
                return None
        return frozenset(names)


def _is_ensured(there: Manifest) -> bool:
    """A namespace that the engine made because something had to be put into it."""
    labels = there["metadata"].get("labels") or {}
    return (
        there["kind"] == "Namespace"
        and labels.get(MANAGED_BY) == FIELD_MANAGER
        and SERVICE not in labels
    )


def _failed(look: "asyncio.Task[Any]") -> bool:
    return look.done() and (look.cancelled() or look.exception() is not None)
