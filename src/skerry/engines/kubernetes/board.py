"""What is known of the services of a cell, service by service, from lists and watches.

An observation is put together of cards that are worked out once and again only after a
change: ten thousand services at rest cost nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from skerry.engines.kubernetes.folding import (
    ReplicaSetFacts,
    SetKey,
    Workload,
    controller_of,
    fold,
    template_digest,
    with_live_count,
)
from skerry.engines.kubernetes.overrides import override_of
from skerry.engines.kubernetes.shaping import TEMPLATE_DIGEST
from skerry.model.keys import ServiceKey
from skerry.model.objects import STACK, Manifest, annotation, owner_of
from skerry.model.world import Override, Scope

KINDS: Final = (
    "Deployment",
    "ReplicaSet",
    "Pod",
    "HorizontalPodAutoscaler",
    "PersistentVolumeClaim",
)
EVENTS_KEPT: Final = 20
Name = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One service as an Observation shows it."""

    objects: tuple[Manifest, ...] = ()
    pods: tuple[Manifest, ...] = ()
    events: tuple[Manifest, ...] = ()
    override: Override | None = None
    stack: str | None = None


@dataclass(slots=True)
class _Card:
    """The raw objects of one service by kind and name; `seen` when nothing changed since."""

    objects: dict[str, dict[Name, Manifest]] = field(default_factory=dict)
    seen: Seen | None = None

    def of(self, kind: str) -> Mapping[Name, Manifest]:
        return self.objects.get(kind, _NOTHING)


_NOTHING: Final[Mapping[Name, Manifest]] = {}


class Board:
    """Objects come in by `put`, `drop` and `sync`; `look` gives the services in scope.
    `changed` is called with each service something changed about."""

    def __init__(self, changed: Callable[[ServiceKey], None] = lambda service: None) -> None:
        self._cards: dict[ServiceKey, _Card] = {}
        self._whose: dict[tuple[str, Name], ServiceKey] = {}
        self._changed = changed

    def put(self, raw: Manifest) -> None:
        """An object as it is now; an older form than the one known is no news."""
        kind, name = raw["kind"], _name(raw)
        service = _service_of(raw)
        before = self._whose.get((kind, name))
        if before is not None and before != service:
            self.drop(kind, name)
        if service is None:
            return
        objects = self._cards.setdefault(service, _Card()).objects.setdefault(kind, {})
        there = objects.get(name)
        if there is not None and _version(there) > _version(raw):
            return
        objects[name] = raw
        self._whose[kind, name] = service
        if kind == "Event" and len(objects) > EVENTS_KEPT:
            self.drop(kind, next(iter(objects)))
        self._touch(service)

    def drop(self, kind: str, name: Name) -> None:
        """An object that is gone."""
        service = self._whose.pop((kind, name), None)
        if service is None:
            return
        card = self._cards[service]
        del card.objects[kind][name]
        if not card.objects[kind]:
            del card.objects[kind]
        if not card.objects:
            del self._cards[service]
        self._touch(service)

    def sync(self, kind: str, items: Iterable[Manifest], *, known: Iterable[Name]) -> None:
        """All there are from one source; those `known` from it before and not among them
        are gone."""
        here = set()
        for raw in items:
            self.put(raw)
            here.add(_name(raw))
        for name in set(known) - here:
            self.drop(kind, name)

    def look(self, scope: Scope) -> Iterator[tuple[ServiceKey, Seen]]:
        """The services in scope that have anything but events, each with what is seen of it."""
        chosen = sorted(self._cards if scope.services is None else scope.services)
        for service in chosen:
            card = self._cards.get(service)
            if card is None:
                continue
            if card.seen is None:
                card.seen = _see(card)
            if (card.seen.objects or card.seen.pods) and scope.holds(
                service, stack=card.seen.stack
            ):
                yield service, card.seen

    def _touch(self, service: ServiceKey) -> None:
        if (card := self._cards.get(service)) is not None:
            card.seen = None
        self._changed(service)


def _see(card: _Card) -> Seen:
    deployment = next(iter(card.of("Deployment").values()), None)
    workloads = [] if deployment is None else [_workload(deployment)]
    sets: dict[SetKey, ReplicaSetFacts] = {
        name: each["facts"] for name, each in card.of("ReplicaSet").items() if "facts" in each
    }
    deployments, pods = fold(workloads, sets, card.of("Pod").values())
    autoscalers = [
        with_live_count(each, deployment) for each in card.of("HorizontalPodAutoscaler").values()
    ]
    objects = (*deployments, *autoscalers, *card.of("PersistentVolumeClaim").values())
    return Seen(
        objects=objects,
        pods=tuple(pods),
        events=_events(card),
        override=None if deployment is None else override_of(deployment),
        stack=next((_label(each, STACK) for each in (*objects, *pods)), None),
    )


def _workload(deployment: Manifest) -> Workload:
    digest = annotation(deployment, TEMPLATE_DIGEST) or template_digest(deployment)
    return Workload(deployment=deployment, template=digest)


def _events(card: _Card) -> tuple[Manifest, ...]:
    """Those about objects that are there, newest last."""
    there = {(kind, *name) for kind in card.objects if kind != "Event" for name in card.of(kind)}
    about = [each for each in card.of("Event").values() if _about(each) in there]
    return tuple(sorted(about, key=_when))


def _service_of(raw: Manifest) -> ServiceKey | None:
    kind = raw["kind"]
    if kind == "Event":
        return _service_of_event(raw)
    if kind == "ReplicaSet":
        name = raw["facts"].deployment if "facts" in raw else controller_of(raw, "Deployment")
        return ServiceKey(raw["metadata"]["namespace"], name) if name else None
    return owner_of(raw)


def _service_of_event(raw: Manifest) -> ServiceKey | None:
    """By the names Kubernetes gives: web, web-5d9c8, web-5d9c8-x2x4l; and web.data for a
    claim of ours."""
    kind, namespace, name = _about(raw)
    parts = {"Pod": 2, "ReplicaSet": 1, "Deployment": 0, "HorizontalPodAutoscaler": 0}
    if kind == "PersistentVolumeClaim":
        return ServiceKey(namespace, name.partition(".")[0])
    if kind not in parts or not namespace:
        return None
    pieces = name.rsplit("-", parts[kind])
    return ServiceKey(namespace, pieces[0]) if len(pieces) == parts[kind] + 1 else None


def _about(event: Manifest) -> tuple[str, str, str]:
    about: Mapping[str, Any] = event.get("involvedObject") or {}
    return about.get("kind", ""), about.get("namespace", ""), about.get("name", "")


def _when(event: Manifest) -> str:
    series = event.get("series") or {}
    return str(
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or event["metadata"].get("creationTimestamp")
        or ""
    )


def _label(manifest: Manifest, name: str) -> str | None:
    return (manifest["metadata"].get("labels") or {}).get(name)


def _name(raw: Manifest) -> Name:
    metadata = raw["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _version(raw: Manifest) -> int:
    """Versions of one kind can be compared: newer is larger."""
    written: str = raw["metadata"].get("resourceVersion", "")
    return int(written) if written.isdecimal() else 0


def names(items: Sequence[Manifest]) -> set[Name]:
    """Their names."""
    return {_name(each) for each in items}
