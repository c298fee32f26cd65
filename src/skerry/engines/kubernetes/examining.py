"""A second, close look at the objects of one service."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from skerry.engines.kubernetes.client.failures import ApiError
from skerry.engines.kubernetes.fields import (
    OWN_MANAGERS,
    fields_digest,
    is_settled_among_us,
    others,
)
from skerry.engines.kubernetes.index import Entry
from skerry.engines.kubernetes.inventory import Item, live_of
from skerry.engines.kubernetes.overrides import OVERRIDE, under_override
from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.records import Records
from skerry.engines.kubernetes.secrets import filled
from skerry.errors import Conflict, NotFound, Refused
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import (
    DIGEST,
    HOLD,
    INVENTORY,
    RELEASE,
    Manifest,
    annotation,
    key_of,
    owner_of,
)
from skerry.model.world import Finding, Trouble

_BY_HAND: Final = "kubectl"
"""How the managers begin that are a person at a terminal: what they change is drift, and
repaired. Any other manager would change it again."""


@dataclass(slots=True, kw_only=True)
class Case:
    """A service, and what was found. `entry` is how the index should have it."""

    service: ServiceKey
    entry: Entry
    drift: Mapping[str, str]
    findings: list[Finding] = field(default_factory=list)

    def marks(self) -> dict[str, str]:
        """What the Deployment is to say of its objects."""
        return {str(each.key): each.trouble.value for each in self.findings}


class Examiner:
    """Looks at single objects of a cell."""

    def __init__(self, parts: Parts, records: Records) -> None:
        self._parts = parts
        self._client = parts.client
        self._records = records

    async def examine(
        self, service: ServiceKey, keys: Collection[ObjectKey], *, known: Entry | None
    ) -> Case | None:
        """These objects of a service, of which the index knew that much. None when its
        Deployment went meanwhile."""
        own = ObjectKey("Deployment", *service)
        deployment = await self._get(own)
        if deployment is None or owner_of(deployment) != service:
            return None
        live = live_of(deployment)
        entry = Entry(inputs=live.inputs, release=live.release, fields=fields_digest(deployment))
        case = Case(service=service, entry=entry, drift=live.drift)
        items = {**live.items, own: Item(digest=live.digest, fields=known.fields if known else "")}
        applied = await self._applied(service)
        again = {*keys, *(key for key in items if str(key) in live.drift)}
        found = await asyncio.gather(
            *(self._look(case, key, item=items.get(key), applied=applied) for key in sorted(again))
        )
        case.findings += [finding for finding in found if finding is not None]
        return case

    async def _look(
        self,
        case: Case,
        key: ObjectKey,
        *,
        item: Item | None,
        applied: Mapping[tuple[ObjectKey, str], Manifest],
    ) -> Finding | None:
        there = await self._get(key)
        if item is None:
            if there is None or owner_of(there) != case.service:
                return None
            said = f"is labelled as an object of service {case.service}, which does not list it"
            return _finding(case, key, Trouble.ORPHAN, said=said)
        if there is None:
            return _finding(
                case, key, Trouble.MISSING, said="was applied and is not there any more"
            )
        if owner_of(there) != case.service:
            return _finding(case, key, Trouble.DRIFT, said="has lost its labels")
        digest = annotation(there, DIGEST) or ""
        if digest == item.digest and item.fields and item.fields == fields_digest(there):
            return None  # it was on its way when it was listed
        manifest = applied.get((key, item.digest))
        if manifest is None:
            return _by_managers(case, key, there, surely=bool(item.fields))
        return await self._try(case, there, _as_sent(manifest, there))

    async def _try(self, case: Case, there: Manifest, manifest: Manifest) -> Finding | None:
        """A dry run of what was applied says exactly what is in its way."""
        key = key_of(manifest)
        try:
            wanted = await filled(manifest, self._parts.secrets)
            after = await self._client.apply(wanted, dry_run=True)
        except Conflict as error:
            if is_settled_among_us(error):
                return None
            return _in_the_way(case, key, error)
        except (NotFound, Refused) as error:
            return _finding(
                case, key, Trouble.DRIFT, said=f"could not be applied as it was: {error}"
            )
        if fields_digest(after) == fields_digest(there):
            return None
        return _finding(case, key, Trouble.DRIFT, said="a field that Skerry set was taken away")

    async def _applied(self, service: ServiceKey) -> dict[tuple[ObjectKey, str], Manifest]:
        """What its releases applied, by key and digest."""
        return {
            (key_of(each), annotation(each, DIGEST) or ""): each
            for release in await self._records.releases(service)
            for each in release.objects
        }

    async def _get(self, key: ObjectKey) -> dict[str, Any] | None:
        try:
            resource = await self._client.resource_of(key.kind)
            found = await self._client.get(resource.object_path(key.namespace, key.name))
        except NotFound:
            return None
        return {**found, "kind": key.kind}


def _as_sent(manifest: Manifest, there: Manifest) -> Manifest:
    """The compiled object with what an apply adds to it."""
    metadata = manifest["metadata"]
    annotations = dict(metadata.get("annotations") or {})
    if manifest["kind"] == "Deployment":
        for name in (INVENTORY, RELEASE, HOLD):
            annotations.pop(name, None)
            if (value := annotation(there, name)) is not None:
                annotations[name] = value
    sent = {**manifest, "metadata": {**metadata, "annotations": annotations}}
    return under_override(sent, there)


def _by_managers(case: Case, key: ObjectKey, there: Manifest, *, surely: bool) -> Finding | None:
    """Without a release that says what was applied: by who has fields of it. `surely` when the
    fields that are ours are known to be others than they were."""
    found = others(there)
    if found:
        manager, paths = min(found.items())
        return _changed(case, key, manager=manager, path=paths[0])
    if not surely or annotation(there, OVERRIDE):
        return None
    return _finding(case, key, Trouble.DRIFT, said="a field that Skerry set was taken away")


def _in_the_way(case: Case, key: ObjectKey, conflict: Conflict) -> Finding:
    error = conflict.__cause__
    causes = error.causes if isinstance(error, ApiError) else ()
    for cause in causes:
        manager = str(cause.get("message", "")).partition('"')[2].partition('"')[0]
        path = str(cause.get("field", "")).lstrip(".")
        if manager not in OWN_MANAGERS:
            return _changed(case, key, manager=manager, path=path)
    return _finding(case, key, Trouble.DRIFT, said=conflict.cause)


def _changed(case: Case, key: ObjectKey, *, manager: str, path: str) -> Finding:
    if manager.startswith(_BY_HAND) or manager in OWN_MANAGERS:
        return _finding(case, key, Trouble.DRIFT, said=f"{path} was changed by {manager}")
    return _finding(case, key, Trouble.FOREIGN, said=f"{path} belongs to {manager} now")


def _finding(case: Case, key: ObjectKey, trouble: Trouble, *, said: str) -> Finding:
    return Finding(trouble=trouble, key=key, service=case.service, reason=said)
