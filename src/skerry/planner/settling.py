"""Releases nobody saw come up: their writer left before, or was told not to wait."""

from collections.abc import Collection, Iterator, Sequence

from skerry.model.change import Action, Change, Plan, Release, Verdict
from skerry.model.keys import ServiceKey
from skerry.model.objects import Bundle
from skerry.model.world import Snapshot
from skerry.planner.plan import finish


def with_unsettled(
    plan: Plan, bundles: Sequence[Bundle], snapshot: Snapshot, *, busy: Collection[ServiceKey]
) -> Plan:
    """The plan, and a change for each service that is as wanted but for its release's verdict:
    it is waited for, and undone if it does not come up. Not of those that are `busy`: somebody
    waits for them."""
    taken = {change.service for change in plan.changes} | {each.service for each in plan.held}
    opened = {each.service: each for each in bundles if each.objects}
    found = [
        _change(opened[service], release)
        for service, release in _open(snapshot)
        if service in opened and service not in taken and service not in busy
    ]
    if not found:
        return plan
    changes = (*plan.changes, *found)
    return finish(plan.cell, changes, held=plan.held, unchanged=plan.unchanged - len(found))


def _open(snapshot: Snapshot) -> Iterator[tuple[ServiceKey, Release]]:
    for service, release in snapshot.releases.items():
        if release.verdict is Verdict.DEPLOYING:
            yield service, release


def _change(bundle: Bundle, release: Release) -> Change:
    return Change(
        service=bundle.service,
        action=Action.SETTLE,
        reason=f"nobody saw release {release.number}, by {release.by}, come up: it is waited for, "
        f"and undone if it does not",
        objects=bundle.objects,
        inputs=bundle.inputs,
        deadline_seconds=bundle.deadline_seconds,
    )
