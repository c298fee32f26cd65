"""Events: what others said about an object, the newest first."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import Manifest
from skerry.observer.times import moment

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_NO_EVENTS: Final[tuple[Manifest, ...]] = ()


class Events:
    """Events by the object they are about."""

    def __init__(self, events: Iterable[Manifest] = ()) -> None:
        self._about: dict[ObjectKey, list[Manifest]] = {}
        for event in sorted(events, key=happened, reverse=True):
            self._about.setdefault(subject_of(event), []).append(event)

    def about(self, kind: str, namespace: str, name: str) -> Sequence[Manifest]:
        """Of one object, newest first."""
        return self._about.get(ObjectKey(kind, namespace, name), _NO_EVENTS)


class Said(NamedTuple):
    """The gist of an event."""

    reason: str
    message: str
    at: datetime


def newest(events: Sequence[Manifest], reasons: Collection[str]) -> Said | None:
    """The newest with one of these reasons."""
    for event in events:
        if event.get("reason") in reasons:
            return Said(event["reason"], str(event.get("message", "")).strip(), happened(event))
    return None


def happened(event: Manifest) -> datetime:
    """When it was last seen. Kubernetes has four places for that; some hold null."""
    series: Mapping[str, Any] = event.get("series") or {}
    written = (
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or event.get("firstTimestamp")
        or (event.get("metadata") or {}).get("creationTimestamp")
    )
    return moment(written) or _NEVER


def subject_of(event: Manifest) -> ObjectKey:
    """The object it is about."""
    about = event.get("involvedObject") or {}
    return ObjectKey(about.get("kind", ""), about.get("namespace", ""), about.get("name", ""))


def claims_of(deployment: Manifest, service: ServiceKey) -> list[ObjectKey]:
    """The volume claims its pods need."""
    volumes = deployment["spec"]["template"].get("spec", {}).get("volumes") or ()
    names = [(each.get("persistentVolumeClaim") or {}).get("claimName") for each in volumes]
    return [ObjectKey("PersistentVolumeClaim", service.namespace, name) for name in names if name]
