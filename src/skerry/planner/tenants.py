"""The plan of a roll-out's wave: what gives exactly these tenants their new form, held there."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from skerry.errors import Conflict
from skerry.model.change import Change, HeldBack, Hold, Plan, hold_of, write_hold
from skerry.model.held import held_inputs, is_held
from skerry.model.keys import ServiceKey
from skerry.model.objects import (
    HOLD,
    INPUTS,
    REPOSITORY,
    Bundle,
    Manifest,
    annotation,
    key_of,
    stamp,
)
from skerry.model.world import Snapshot
from skerry.planner.compare import Limits, Objects, change_of, compare, workload_of
from skerry.planner.plan import finish
from skerry.planner.removal import by_owner


def plan_tenants(
    bundles: Iterable[Bundle],
    snapshot: Snapshot,
    *,
    repository: str,
    holds: Mapping[ServiceKey, Hold],
    limits: Limits,
) -> Plan:
    """The snapshot covers these tenants. `holds` are against their documents, none for a tenant
    whose document says what its bundle says. A tenant somebody holds by hand is left alone; one
    that an earlier roll-out holds is not. Raises Conflict when one is another repository's."""
    live = by_owner(snapshot.objects)
    changes: list[Change] = []
    held: list[HeldBack] = []
    unchanged = 0
    for bundle in bundles:
        owned = live.get(bundle.service, {})
        workload = workload_of(bundle.service, owned)
        old = _hold(bundle, workload, repository=repository)
        if old is not None and not is_held(annotation(workload or {}, INPUTS) or ""):
            held.append(HeldBack(service=bundle.service, reason=f"held by {old.by}: {old.reason}"))
            continue
        change = _change(
            bundle,
            owned,
            snapshot.objects,
            hold=_kept(old, holds.get(bundle.service)),
            limits=limits,
        )
        if change is None:
            unchanged += 1
        else:
            changes.append(change)
    return finish(snapshot.cell, changes, held=held, unchanged=unchanged)


def held(objects: Iterable[Manifest], hold: Hold | None) -> tuple[Manifest, ...]:
    """The objects with the hold on the Deployment, whose inputs then say what it is held
    against, so that a plan need not open it to leave it alone."""
    if hold is None:
        return tuple(objects)
    return tuple(_held(each, hold) if each["kind"] == "Deployment" else each for each in objects)


def _change(
    bundle: Bundle, owned: Objects, live: Objects, *, hold: Hold | None, limits: Limits
) -> Change | None:
    objects = held(bundle.objects, hold)
    found = compare({key_of(each): each for each in objects}, owned, live=live, kept={})
    if found.none:
        return None
    formed = replace(bundle, objects=objects)
    return change_of(formed, found, owned, layer=0, limits=limits)


def _hold(bundle: Bundle, workload: Manifest | None, *, repository: str) -> Hold | None:
    if workload is None:
        return None
    other = annotation(workload, REPOSITORY)
    if other != repository:
        raise Conflict(
            f"belongs to repository {other}, and is declared in {repository} too",
            subject=bundle.service.at(bundle.cell),
            hint=f"skerry delete {bundle.service}",
        )
    return hold_of(workload)


def _kept(old: Hold | None, new: Hold | None) -> Hold | None:
    """One that is held already, against the same document, stays held by whoever holds it."""
    if old is None or new is None or old.inputs != new.inputs or old.reason != new.reason:
        return new
    return old


def _held(manifest: Manifest, hold: Hold) -> Manifest:
    metadata = manifest["metadata"]
    annotations = {
        **metadata["annotations"],
        HOLD: write_hold(hold),
        INPUTS: held_inputs(hold.inputs),
    }
    return stamp({**manifest, "metadata": {**metadata, "annotations": annotations}})
