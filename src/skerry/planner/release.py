"""Plans that come from a release or an image instead of documents, and the hold they leave."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from skerry.errors import NotFound
from skerry.model.change import Action, Change, Hold, Plan, Release, hold_of, write_hold
from skerry.model.held import freed_inputs
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import (
    DEADLINE,
    DIGEST,
    HOLD,
    INPUTS,
    RELEASE,
    TEMPLATE,
    Bundle,
    Manifest,
    annotation,
    digest_of,
    key_of,
    stamp,
)
from skerry.model.world import Snapshot
from skerry.planner.compare import Limits, change_of, compare, workload_of
from skerry.planner.plan import finish
from skerry.planner.removal import by_owner, dependencies


def plan_release(
    release: Release, snapshot: Snapshot, *, limits: Limits, hold: Hold | None = None
) -> Plan:
    """Back to exactly the release's objects; held there when a hold is given, else as held
    or free as they were. `before:` is not run: it belongs to the way forward."""
    objects = [_held(each, hold) if hold is not None else each for each in release.objects]
    return _towards(release.service, objects, snapshot, limits=limits, before=None)


def plan_image(
    service: ServiceKey, image: str, snapshot: Snapshot, *, limits: Limits, hold: Hold
) -> Plan:
    """What runs now, with another image, held there. Raises NotFound."""
    deployment = _deployment(service, snapshot)
    newest = snapshot.releases.get(service)
    objects = []
    for each in _compiled(service, snapshot, newest):
        if each["kind"] == "Deployment":
            objects.append(_held(_with_image(each, deployment, image), hold))
        else:
            objects.append(each)
    before = newest.before if newest is not None else None
    if before is not None:
        before = stamp({**before, "spec": _replace_image(before["spec"], image)})
    return _towards(service, objects, snapshot, limits=limits, before=before)


def plan_unhold(service: ServiceKey, snapshot: Snapshot) -> Plan:
    """Give the service back to its repository. Nothing rolls; the next apply does what the
    documents say. Raises NotFound; empty when it is not held."""
    deployment = _deployment(service, snapshot)
    hold = hold_of(deployment)
    if hold is None:
        return finish(snapshot.cell, ())
    compiled = _compiled(service, snapshot, snapshot.releases.get(service))
    objects = tuple(_freed(each, deployment) for each in compiled)
    change = Change(
        service=service,
        action=Action.CONFIGURE,
        reason=f"no longer held by {hold.by}",
        apply=tuple(each for each in objects if each["kind"] == "Deployment"),
        objects=objects,
        diff=(f"- hold: {hold.reason}",),
        inputs=annotation(deployment, INPUTS) or "",
    )
    return finish(snapshot.cell, [change])


def new_hold(
    service: ServiceKey, snapshot: Snapshot, *, by: str, at: datetime, reason: str
) -> Hold:
    """A hold against the document the service has now: one already held stays held against
    the document it was taken from. Raises NotFound."""
    deployment = _deployment(service, snapshot)
    old = hold_of(deployment)
    inputs = old.inputs if old is not None else annotation(deployment, INPUTS) or ""
    return Hold(by=by, at=at, reason=reason, inputs=inputs)


def _towards(
    service: ServiceKey,
    objects: Sequence[Manifest],
    snapshot: Snapshot,
    *,
    limits: Limits,
    before: Manifest | None,
) -> Plan:
    wanted = {key_of(each): each for each in objects}
    workload = wanted[ObjectKey("Deployment", service.namespace, service.name)]
    bundle = Bundle(
        service=service,
        cell=snapshot.cell,
        inputs=annotation(workload, INPUTS) or "",
        objects=tuple(objects),
        before=before,
        depends=dependencies(workload),
        deadline_seconds=float(annotation(workload, DEADLINE) or 300.0),
    )
    owned = by_owner(snapshot.objects).get(service, {})
    found = compare(wanted, owned, live=snapshot.objects, kept={})
    if found.none:
        return finish(snapshot.cell, (), unchanged=1)
    return finish(snapshot.cell, [change_of(bundle, found, owned, layer=0, limits=limits)])


def _deployment(service: ServiceKey, snapshot: Snapshot) -> Manifest:
    found = workload_of(service, snapshot.objects)
    if found is None:
        raise NotFound(
            "is not here", subject=service.at(snapshot.cell), hint="list services: skerry status"
        )
    return found


def _compiled(
    service: ServiceKey, snapshot: Snapshot, newest: Release | None
) -> Sequence[Manifest]:
    """What runs, in compiled form: from its release where that is what runs, else what is
    live without what the cell added."""
    live = workload_of(service, snapshot.objects)
    if newest is not None and live is not None:
        for each in newest.objects:
            same = annotation(each, DIGEST) == annotation(live, DIGEST)
            if each["kind"] == "Deployment" and same:
                return newest.objects
    return [_clean(each) for each in by_owner(snapshot.objects)[service].values()]


def _with_image(compiled: Manifest, live: Manifest, image: str) -> Manifest:
    """Its inputs are no document's any more, so that after `unhold` a plan opens it."""
    spec = _replace_image(compiled["spec"], image)
    inputs = annotation(live, INPUTS) or ""
    mark = inputs.rpartition("-")[2]
    metadata = compiled["metadata"]
    annotations = {
        **metadata["annotations"],
        INPUTS: f"{digest_of([inputs, image])}-{mark}",
        TEMPLATE: digest_of(spec["template"]),
    }
    changed = {**compiled, "spec": spec, "metadata": {**metadata, "annotations": annotations}}
    return stamp(changed)


def _replace_image(spec: Mapping[str, Any], image: str) -> dict[str, Any]:
    """In the service's container, the first; those beside it are a patch's."""
    template = spec["template"]
    pod = template["spec"]
    containers = [{**pod["containers"][0], "image": image}, *pod["containers"][1:]]
    return {**spec, "template": {**template, "spec": {**pod, "containers": containers}}}


def _held(manifest: Manifest, hold: Hold | None) -> Manifest:
    if manifest["kind"] != "Deployment" or hold is None:
        return manifest
    metadata = manifest["metadata"]
    annotations = {**metadata["annotations"], HOLD: write_hold(hold)}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def _freed(manifest: Manifest, live: Manifest) -> Manifest:
    """A Deployment without its hold, of the release it is of now; other objects as they are."""
    if manifest["kind"] != "Deployment":
        return manifest
    metadata = manifest["metadata"]
    annotations = {key: each for key, each in metadata["annotations"].items() if key != HOLD}
    annotations[INPUTS] = freed_inputs(annotations.get(INPUTS, ""))
    free = stamp({**manifest, "metadata": {**metadata, "annotations": annotations}})
    release = annotation(live, RELEASE)
    return free if release is None else _numbered(free, release)


def _numbered(manifest: Manifest, release: str) -> Manifest:
    metadata = manifest["metadata"]
    annotations = {**metadata["annotations"], RELEASE: release}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def _clean(manifest: Manifest) -> dict[str, Any]:
    kept = {part: value for part, value in manifest.items() if part != "status"}
    return {**kept, "metadata": _identity(manifest["metadata"])}


def _identity(metadata: Mapping[str, Any]) -> dict[str, Any]:
    parts = ("name", "namespace", "labels", "annotations")
    return {part: metadata[part] for part in parts if part in metadata}
