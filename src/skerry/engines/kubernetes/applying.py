"""One service's change applied: what differs, the Deployment last, what is unwanted after it."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from skerry.engines.kubernetes.claims import Claims
from skerry.engines.kubernetes.client.failures import ApiError
from skerry.engines.kubernetes.counts import hand_over, start_at_least, with_count_by_hand
from skerry.engines.kubernetes.fields import fields_digest, is_settled_among_us
from skerry.engines.kubernetes.index import Entry
from skerry.engines.kubernetes.inventory import (
    DRIFT,
    VERIFY_MANAGER,
    Item,
    Live,
    item_of,
    live_of,
    write_items,
)
from skerry.engines.kubernetes.looking import Looks
from skerry.engines.kubernetes.namespaces import Namespaces
from skerry.engines.kubernetes.order import removals, waves
from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.secrets import filled
from skerry.engines.kubernetes.writing import Writing
from skerry.errors import Conflict, NotFound
from skerry.model.change import Change, Did, Outcome
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

TRIES: Final = 4


class Stale(Exception):
    """The Deployment is not the one that was looked at: look again."""


@dataclass(slots=True, kw_only=True)
class Work:
    """One try at a change: the service as it is, and what has been done."""

    change: Change
    live: Live
    objects: dict[ObjectKey, Manifest]
    take_over: bool
    sure: bool  # just looked at: no need to say which version was seen
    items: dict[ObjectKey, Item] = field(default_factory=dict)
    outcomes: dict[ObjectKey, Did] = field(default_factory=dict)

    @property
    def service(self) -> ServiceKey:
        """Whose change it is."""
        return self.change.service

    @property
    def workload(self) -> ObjectKey:
        """The service's Deployment."""
        return ObjectKey("Deployment", *self.service)

    def todo(self) -> list[Manifest]:
        """Those the change names, those the cell has otherwise than the change takes for
        granted, and the Deployment."""
        named = {key_of(each) for each in self.change.apply}
        return [
            each
            for key, each in self.objects.items()
            if key in named or key == self.workload or not self._is_as_wanted(key, each)
        ]

    def unknown(self, todo: Iterable[Manifest]) -> list[Manifest]:
        """Those that are not known to be ours."""
        known = {*self.live.items, *([self.workload] if self.live.there else [])}
        return [each for each in todo if key_of(each) not in known]

    def force(self, key: ObjectKey) -> bool:
        """Whether the object is applied against other managers: asked to, or because `verify`
        found that somebody changed it by hand."""
        return self.take_over or self.live.drift.get(str(key)) == "drift"

    def did(self, manifest: Manifest) -> Did:
        """What applying it means, by what was known before."""
        key = key_of(manifest)
        there = self.live.there if key == self.workload else key in self.live.items
        if not there:
            return Did.CREATED
        return Did.UNCHANGED if self._is_as_wanted(key, manifest) else Did.CONFIGURED

    def _is_as_wanted(self, key: ObjectKey, manifest: Manifest) -> bool:
        if self.live.drift.get(str(key), "foreign") != "foreign":
            return False  # what another controller holds is left alone until it is asked for
        digest = annotation(manifest, DIGEST) or ""
        if key == self.workload:
            marks = (annotation(manifest, HOLD), annotation(manifest, RELEASE) or self.live.release)
            return (digest, *marks) == (self.live.digest, self.live.hold, self.live.release)
        item = self.live.items.get(key)
        return item is not None and item.digest == digest


class Applying:
    """`Engine.apply`."""

    def __init__(self, parts: Parts, looks: Looks, writing: Writing) -> None:
        self._parts = parts
        self._client = parts.client
        self._looks = looks
        self._writing = writing
        self._claims = Claims(parts)
        self._namespaces = Namespaces(parts)

    async def apply(self, change: Change, *, take_over: bool) -> tuple[Outcome, ...]:
        """Raises Conflict at anything that is not the service's to touch."""
        objects = {key_of(each): each for each in change.objects or change.apply}
        for key, manifest in objects.items():
            if owner_of(manifest) != change.service:
                said = f"is not marked as an object of service {change.service}"
                raise Conflict(said, subject=f"{key}@{self._parts.name}")
        block = await self._writing.check(change.service)
        crowded = block.crowded if block is not None else frozenset()
        for attempt in range(TRIES):
            sure = attempt > 0
            look = self._looks.look if sure else self._looks.live
            work = Work(
                change=change,
                live=await look(change.service),
                objects=objects,
                take_over=take_over,
                sure=sure,
            )
            try:
                await self._make(work, crowded)
            except Stale:
                continue
            return tuple(Outcome(key=key, did=did) for key, did in work.outcomes.items())
        raise Conflict(
            "is being changed by others all the time",
            subject=change.service.at(self._parts.name),
            hint="skerry verify",
        )

    async def _make(self, work: Work, crowded: frozenset[str]) -> None:
        todo = work.todo()
        # 1. What is not known to be ours is looked at. Stop on error: nothing has changed yet.
        unknown = work.unknown(todo)
        empty = await self._made_for(work, unknown)
        there = await self._claims.check(work.service, unknown, crowded=crowded, empty=empty)
        if work.workload in there:
            raise Stale  # somebody made it since it was looked for
        # 2. What is around the workload. Stop on error: an apply of the same finishes it.
        work.items = dict(work.live.items)
        for manifests in waves(each for each in todo if key_of(each) != work.workload):
            await _together(self._put(work, each) for each in manifests)
        # 3. The Deployment, and with it the inventory: from here on all of it is there.
        if work.workload in work.objects:
            await self._put_workload(work)
        # 4. What is not wanted any more. A crash leaves it in the inventory, to be seen.
        await self._remove(work)

    async def _made_for(self, work: Work, manifests: Collection[Manifest]) -> frozenset[str]:
        """A new service's namespace, where it was made for it just now."""
        place = work.service.namespace
        if work.live.there or not any(each["metadata"].get("namespace") for each in manifests):
            return frozenset()
        if ObjectKey("Namespace", "", place) in work.objects:
            return frozenset()
        return frozenset({place} if await self._namespaces.ensure(place) else ())

    async def _put(self, work: Work, manifest: Manifest) -> None:
        key = key_of(manifest)
        wanted = await with_count_by_hand(self._client, manifest, work.live)
        wanted = await filled(wanted, self._parts.secrets)
        work.items[key] = item_of(manifest, await self._send(wanted, force=work.force(key)))
        work.outcomes[key] = work.did(manifest)

    async def _put_workload(self, work: Work) -> None:
        manifest = work.objects[work.workload]
        wanted = await with_count_by_hand(self._client, manifest, work.live)
        await hand_over(self._client, wanted, work.live)
        answer = await self._send_workload(work, wanted)
        if not work.live.there:
            autoscaler = ObjectKey("HorizontalPodAutoscaler", *work.service)
            scaled = await start_at_least(self._client, wanted, work.objects.get(autoscaler))
            answer = scaled or answer
        if work.live.drift:
            answer = await self._lift_drift(work)
        work.outcomes[work.workload] = work.did(manifest)
        await self._note(work, answer)

    async def _send_workload(self, work: Work, wanted: Manifest) -> dict[str, Any]:
        metadata = wanted["metadata"]
        annotations = {**metadata["annotations"], INVENTORY: write_items(work.items)}
        if RELEASE not in annotations and work.live.release != "0":
            annotations[RELEASE] = work.live.release
        listed = {**metadata, "annotations": annotations}
        if work.live.there and not work.sure and not _hands_over(work.live, wanted):
            listed["resourceVersion"] = work.live.version
        return await self._send({**wanted, "metadata": listed}, force=work.force(work.workload))

    async def _send(self, manifest: Manifest, *, force: bool) -> dict[str, Any]:
        """Apply one object, into a namespace that is there, past what is Skerry's own."""
        sent = self._parts.clock.monotonic()
        try:
            return await self._apply(manifest, force=force)
        except Conflict as error:
            if force or not is_settled_among_us(error):
                raise
        except NotFound:
            namespace = manifest["metadata"].get("namespace")
            if not namespace:
                raise
            await self._namespaces.ensure(namespace, lost=sent)
            return await self._apply(manifest, force=force)
        return await self._apply(manifest, force=True)

    async def _apply(self, manifest: Manifest, *, force: bool) -> dict[str, Any]:
        try:
            return await self._client.apply(manifest, force=force)
        except Conflict as error:
            if _is_stale(error):
                raise Stale from error
            raise

    async def _remove(self, work: Work) -> None:
        going = [key for key in work.change.delete if key not in work.objects]
        if work.workload in going:
            self._writing.note(work.service, None)
            await self._writing.settle(work.service)
            self._looks.forget(work.service)
        for keys in removals(going):
            await _together(self._delete(work, key) for key in keys)
        if going and work.workload in work.objects:
            for key in going:
                work.items.pop(key, None)
            work.live = replace(await self._looks.live(work.service), drift={})
            manifest = work.objects[work.workload]
            wanted = await with_count_by_hand(self._client, manifest, work.live)
            await self._note(work, await self._send_workload(work, wanted))

    async def _delete(self, work: Work, key: ObjectKey) -> None:
        uid = await self._claims.owned(work.service, key)
        if uid is not None and await self._client.delete(key, uid=uid):
            work.outcomes[key] = Did.DELETED

    async def _lift_drift(self, work: Work) -> dict[str, Any]:
        path = self._client.path_of(*work.workload)
        body = {"metadata": {"annotations": {DRIFT: None}}}
        return await self._client.patch(path, body, query={"fieldManager": VERIFY_MANAGER})

    async def _note(self, work: Work, answer: Manifest) -> None:
        live = live_of(answer)
        self._looks.note(work.service, live)
        entry = Entry(inputs=live.inputs, release=live.release, fields=fields_digest(answer))
        self._writing.note(work.service, entry)
        await self._writing.settle(work.service)


def _hands_over(live: Live, wanted: Manifest) -> bool:
    return live.owns_count and "replicas" not in wanted["spec"]


def _is_stale(conflict: Conflict) -> bool:
    """Whether it is the version that is in the way, and no field of anybody's."""
    error = conflict.__cause__
    if not isinstance(error, ApiError) or error.reason != "Conflict":
        return False
    return not any(each.get("reason") == "FieldManagerConflict" for each in error.causes)


async def _together(acts: Iterable[Any]) -> None:
    """All of them, to their ends; then the first error."""
    results = await asyncio.gather(*acts, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
