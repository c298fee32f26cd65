"""The plan: every bundle against the snapshot, in order, each change with its reason."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from skerry.errors import Conflict
from skerry.model.change import Change, HeldBack, Hold, Plan, hold_of
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import (
    DIGEST,
    HOLD,
    REPOSITORY,
    Bundle,
    Manifest,
    annotation,
    key_of,
    repository_mark,
)
from skerry.model.objects import digest_of as digest
from skerry.model.world import Snapshot
from skerry.planner.compare import Limits, Objects, change_of, compare, workload_of
from skerry.planner.layers import dense, layers
from skerry.planner.removal import (
    NOWHERE,
    Elsewhere,
    by_owner,
    removals,
    undeclared,
    vanished,
)


def differing(
    bundles: Iterable[Bundle],
    index: Mapping[ServiceKey, str],
    *,
    repository: str,
    settled: Collection[ServiceKey] = frozenset(),
) -> frozenset[ServiceKey]:
    """Which services a plan must open: those whose inputs are not the cell's, and those the
    cell has from this repository that are not declared any more. `settled` are known to be as
    the cell has them."""
    wanted = {bundle.service: bundle.inputs for bundle in bundles}
    mark = repository_mark(repository)
    changed = {service for service, inputs in wanted.items() if index.get(service) != inputs}
    gone = {
        service
        for service, inputs in index.items()
        if service not in wanted and service not in settled and inputs.endswith(mark)
    }
    return frozenset(changed | gone)


def plan(
    bundles: Sequence[Bundle],
    snapshot: Snapshot,
    *,
    repository: str,
    limits: Limits,
    prune: bool = True,
    elsewhere: Elsewhere = NOWHERE,
) -> Plan:
    """What makes the cell as the bundles say.

    The snapshot covers at least the `differing` services. A bundle without objects is one
    the cell already runs; `elsewhere` are services declared without one. `limits` is the
    engine's. Raises Conflict when a service is another repository's.
    """
    opened = [bundle for bundle in bundles if bundle.objects]
    live = by_owner(snapshot.objects)
    wanted = {bundle.service: _keyed(bundle) for bundle in opened}
    kept = {key: each for objects in wanted.values() for key, each in objects.items()}
    depths = layers({bundle.service: bundle.depends for bundle in bundles})
    changes: list[Change] = []
    held: list[HeldBack] = []
    for bundle in opened:
        owned = live.get(bundle.service, {})
        hold = _check(bundle, owned, repository=repository)
        if hold is not None:
            held.append(HeldBack(service=bundle.service, reason=_held(hold)))
            continue
        found = compare(wanted[bundle.service], owned, live=snapshot.objects, kept=kept)
        if not found.none:
            layer = depths[bundle.service]
            changes.append(change_of(bundle, found, owned, layer=layer, limits=limits))
    unchanged = len(bundles) + len(elsewhere.settled) - len(changes) - len(held)
    if prune:
        gone = undeclared(live, depths, repository=repository)
        orphans = vanished(gone, elsewhere)
        held += orphans.values()
        gone = {service: each for service, each in gone.items() if service not in orphans}
        last = 1 + max((change.layer for change in changes), default=-1)
        changes += removals(gone, live, kept=kept, elsewhere=elsewhere, first_layer=last)
    absent = elsewhere.absent
    held += [HeldBack(service=service, reason=absent[service]) for service in sorted(absent)]
    return finish(snapshot.cell, changes, held=held, unchanged=unchanged)


def finish(
    cell: str, changes: Iterable[Change], *, held: Iterable[HeldBack] = (), unchanged: int = 0
) -> Plan:
    """The changes in order, under one digest."""
    ordered = _ordered(list(changes))
    return Plan(
        cell=cell,
        changes=ordered,
        held=tuple(sorted(held, key=lambda each: each.service)),
        unchanged=unchanged,
        digest=digest([cell, [_identity(change) for change in ordered]]),
    )


def _ordered(changes: list[Change]) -> tuple[Change, ...]:
    places = dense({change.service: change.layer for change in changes})
    moved = [replace(change, layer=places[change.service]) for change in changes]
    return tuple(sorted(moved, key=lambda change: (change.layer, change.service)))


def _identity(change: Change) -> list[object]:
    """All that applying a change depends on; what it says about itself is not part of it."""
    before = digest(change.before) if change.before is not None else None
    applied = [list(key_of(each)) for each in change.apply]
    objects = [_object_identity(each) for each in change.objects]
    deleted = [list(key) for key in change.delete]
    return [list(change.service), change.action, change.layer, objects, applied, deleted, before]


def _object_identity(manifest: Manifest) -> list[object]:
    return [*key_of(manifest), annotation(manifest, DIGEST), annotation(manifest, HOLD)]


def _keyed(bundle: Bundle) -> dict[ObjectKey, Manifest]:
    return {key_of(each): each for each in bundle.objects}


def _check(bundle: Bundle, owned: Objects, *, repository: str) -> Hold | None:
    """The hold in force, if any. A hold ends when the document's inputs change."""
    deployment = workload_of(bundle.service, owned)
    if deployment is None:
        return None
    other = annotation(deployment, REPOSITORY)
    if other != repository:
        raise Conflict(
            f"belongs to repository {other}, and is declared in {repository} too",
            subject=bundle.service.at(bundle.cell),
            hint=f"rename one of the two, or run: skerry delete {bundle.service}",
        )
    hold = hold_of(deployment)
    return hold if hold is not None and hold.inputs == bundle.inputs else None


def _held(hold: Hold) -> str:
    return f"held by {hold.by} since {hold.at:%Y-%m-%d %H:%M}: {hold.reason}"
