"""One service's wanted objects against its live ones: the change between them, or none."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from skerry.model.change import Action, Change
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import (
    DIGEST,
    DRAIN,
    HOLD,
    TEMPLATE,
    Bundle,
    Manifest,
    annotation,
    key_of,
)
from skerry.model.units import show_seconds
from skerry.planner.diff import diff_lines, difference, object_lines
from skerry.planner.essence import essence

Limits = Callable[[Sequence[Manifest]], tuple[str, ...]]
Objects = Mapping[ObjectKey, Manifest]

_HASHED = frozenset({"ConfigMap", "Secret"})
_KEPT = frozenset({"PersistentVolumeClaim"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What is to be made, what differs, what is left over. `previous` are hashed objects
    the replicas being replaced may still need: they go with the change after."""

    added: tuple[ObjectKey, ...]
    changed: tuple[ObjectKey, ...]
    removed: tuple[ObjectKey, ...]
    previous: tuple[ObjectKey, ...]

    @property
    def none(self) -> bool:
        """Whether the service is as wanted."""
        return not (self.added or self.changed or self.removed)


def compare(wanted: Objects, owned: Objects, *, live: Objects, kept: Objects) -> Difference:
    """By digest and hold. `owned` are the service's live objects, `live` all there are; what is in
    `kept` another service of the plan wants, so it is not this one's to remove."""
    found = {key: live.get(key) for key in wanted}
    over = [key for key in owned if key not in wanted and key not in kept]
    return Difference(
        added=tuple(key for key, there in found.items() if there is None),
        changed=tuple(
            key
            for key, there in found.items()
            if there is not None and not _same(there, wanted[key])
        ),
        removed=tuple(key for key in over if key.kind not in _HASHED | _KEPT),
        previous=tuple(key for key in over if key.kind in _HASHED),
    )


def change_of(
    bundle: Bundle, difference_: Difference, owned: Objects, *, layer: int, limits: Limits
) -> Change:
    """The change that makes the service as its bundle says."""
    old = workload_of(bundle.service, owned)
    new = next(each for each in bundle.objects if each["kind"] == "Deployment")
    action = _action(old, new)
    lines, reason = _say(bundle.objects, owned, difference_, new=old is None)
    rolls = action is not Action.CONFIGURE
    return Change(
        service=bundle.service,
        action=action,
        reason=reason,
        layer=layer,
        apply=_differing(bundle.objects, difference_),
        objects=bundle.objects,
        delete=_deleted(difference_, old if rolls else None),
        before=bundle.before if rolls else None,
        diff=lines,
        warnings=(
            *bundle.notes,
            *warnings(new, owned, action=action),
            *limits(bundle.objects),
        ),
        inputs=bundle.inputs,
        deadline_seconds=bundle.deadline_seconds,
    )


def _differing(objects: Sequence[Manifest], difference_: Difference) -> tuple[Manifest, ...]:
    """Those to be made or changed, and the Deployment whenever anything is: it says what of
    the service there is."""
    named = {*difference_.added, *difference_.changed}
    return tuple(each for each in objects if each["kind"] == "Deployment" or key_of(each) in named)


def workload_of(service: ServiceKey, objects: Objects) -> Manifest | None:
    """A service's Deployment."""
    return objects.get(ObjectKey("Deployment", service.namespace, service.name))


def warnings(new: Manifest, owned: Objects, *, action: Action) -> tuple[str, ...]:
    """What somebody should know before it happens."""
    said: list[str] = []
    container = new["spec"]["template"]["spec"]["containers"][0]
    if action is Action.REPLACE:
        drain = show_seconds(float(annotation(new, DRAIN) or 0))
        said.append(
            f"has a volume: stopped before its successor starts, so it is away for up to "
            f"{drain} of draining and its start"
        )
    if action is not Action.CONFIGURE and "tcpSocket" in container.get("readinessProbe", {}):
        said.append("no health check: a replica that accepts a TCP connection counts as healthy")
    mounted = {
        volume["persistentVolumeClaim"]["claimName"]
        for volume in new["spec"]["template"]["spec"].get("volumes", ())
        if "persistentVolumeClaim" in volume
    }
    for key in owned:
        if key.kind in _KEPT and key.name not in mounted:
            said.append(f"volume {key.name} is not used any more; its data stays")
    return tuple(said)


def _same(live: Manifest, wanted: Manifest) -> bool:
    """A hold is not part of what was compiled, but one that has ended must go."""
    return all(annotation(live, part) == annotation(wanted, part) for part in (DIGEST, HOLD))


def _action(old: Manifest | None, new: Manifest) -> Action:
    if old is None:
        return Action.CREATE
    if annotation(old, TEMPLATE) == annotation(new, TEMPLATE):
        return Action.CONFIGURE
    replaced = "Recreate" in {each["spec"]["strategy"]["type"] for each in (old, new)}
    return Action.REPLACE if replaced else Action.UPDATE


def _say(
    wanted: Iterable[Manifest], owned: Objects, difference_: Difference, *, new: bool
) -> tuple[tuple[str, ...], str]:
    if new:
        return diff_lines({}, essence(wanted)), "new"
    live, unseen = _seen(_current(owned), {key_of(each): each for each in wanted})
    before = essence(live)
    now = essence(each for each in wanted if each["kind"] not in unseen)
    lines = diff_lines(before, now)
    if lines:
        return lines, difference(before, now)
    lines = object_lines(difference_.added, difference_.changed, difference_.removed)
    if any(key.kind == "Secret" for key in difference_.added):
        return lines, "the value of a secret changed"
    if not (difference_.added or difference_.removed) and all(
        key.kind == "Deployment" for key in difference_.changed
    ):
        return lines, "its document changed in nothing that runs"
    return lines, "objects around it changed"


def _seen(live: Iterable[Manifest], wanted: Objects) -> tuple[list[Manifest], set[str]]:
    """Live objects with their contents, and the kinds of which one is not known: an engine may
    give an object by its metadata alone. With the digest of a wanted one it is like that."""
    seen: list[Manifest] = []
    unseen: set[str] = set()
    for each in live:
        same = wanted.get(key_of(each))
        if "apiVersion" in each:
            seen.append(each)
        elif same is not None and annotation(same, DIGEST) == annotation(each, DIGEST):
            seen.append(same)
        else:
            unseen.add(each["kind"])
    return [each for each in seen if each["kind"] not in unseen], unseen


def _current(owned: Objects) -> list[Manifest]:
    """Live objects without hashed ones of an earlier release."""
    needed: set[str] = set()
    for key, manifest in owned.items():
        if key.kind == "Deployment":
            needed = referenced(manifest)
    return [each for key, each in owned.items() if key.kind not in _HASHED or key.name in needed]


def referenced(deployment: Manifest) -> set[str]:
    """Names of the ConfigMaps and Secrets a Deployment's replicas need."""
    pod = deployment["spec"]["template"]["spec"]
    names = {
        volume["configMap"]["name"] for volume in pod.get("volumes", ()) if "configMap" in volume
    }
    for variable in pod["containers"][0].get("env", ()):
        source = (variable.get("valueFrom") or {}).get("secretKeyRef")
        if source:
            names.add(source["name"])
    return names


def _deleted(difference_: Difference, rolled: Manifest | None) -> tuple[ObjectKey, ...]:
    """Leftovers; but what the replicas about to be replaced still need stays this once: one
    of them may have to start again while the roll goes on, or come back if it fails."""
    needed = referenced(rolled) if rolled is not None else set()
    gone = (key for key in difference_.previous if key.name not in needed)
    return tuple(sorted((*difference_.removed, *gone)))
