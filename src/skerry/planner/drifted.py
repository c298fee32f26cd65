"""A plan without what only drifted: for whoever looks after drift in a way of its own."""

from skerry.model.change import Action, Change, HeldBack, Plan
from skerry.model.world import Snapshot
from skerry.planner.plan import finish


def without_drift(plan: Plan, snapshot: Snapshot) -> Plan:
    """Only what the documents changed. A service whose inputs are those it was applied with is
    in a plan because its objects are not as they were applied; it is held back, by name."""
    drifted = {each.service for each in plan.changes if _is_drift(each, snapshot)}
    if not drifted:
        return plan
    said = "its objects are not as they were applied: skerry reconcile -o wide"
    return finish(
        plan.cell,
        [each for each in plan.changes if each.service not in drifted],
        held=[*plan.held, *(HeldBack(service=each, reason=said) for each in drifted)],
        unchanged=plan.unchanged,
    )


def _is_drift(change: Change, snapshot: Snapshot) -> bool:
    if change.action is Action.DELETE:
        return False
    return bool(change.inputs) and snapshot.inputs.get(change.service) == change.inputs
