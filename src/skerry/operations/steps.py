"""A plan's changes as an operation keeps them: all that is needed to go on after a crash.

No secret values: manifests hold references only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from skerry.model.change import Action, Change, Plan
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import DEPENDS, HOLD, Manifest, annotation, key_of
from skerry.model.world import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change, and what the service was before where no release says it: whether it was
    there, and its hold."""

    change: Change
    existed: bool = False
    hold: str | None = None

    @property
    def service(self) -> ServiceKey:
        """Whose change it is."""
        return self.change.service

    @property
    def depends(self) -> frozenset[ServiceKey]:
        """What the service stands on once changed."""
        workload = deployment_of(self.change.objects)
        written = annotation(workload, DEPENDS) if workload is not None else None
        return frozenset(ServiceKey(*each.split("/", 1)) for each in orjson.loads(written or "[]"))


def steps_of(plan: Plan, snapshot: Snapshot) -> tuple[Step, ...]:
    """The plan's changes, each with what the snapshot says of its service."""
    return tuple(_step(change, snapshot) for change in plan.changes)


def deployment_of(objects: Iterable[Manifest]) -> Manifest | None:
    """The Deployment among a service's objects."""
    return next((each for each in objects if each["kind"] == "Deployment"), None)


def write_steps(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """As JSON holds them."""
    return [
        {
            "service": list(step.service),
            "action": step.change.action.value,
            "reason": step.change.reason,
            "layer": step.change.layer,
            "apply": [list(key_of(each)) for each in step.change.apply],
            "objects": list(step.change.objects),
            "delete": [list(key) for key in step.change.delete],
            "before": step.change.before,
            "inputs": step.change.inputs,
            "deadline_seconds": step.change.deadline_seconds,
            "existed": step.existed,
            "hold": step.hold,
        }
        for step in steps
    ]


def read_steps(written: Iterable[Mapping[str, Any]]) -> tuple[Step, ...]:
    """What `write_steps` wrote."""
    return tuple(
        Step(
            change=Change(
                service=ServiceKey(*each["service"]),
                action=Action(each["action"]),
                reason=each["reason"],
                layer=each["layer"],
                apply=_applied(each),
                objects=tuple(each.get("objects", each["apply"])),
                delete=tuple(ObjectKey(*key) for key in each["delete"]),
                before=each["before"],
                inputs=each["inputs"],
                deadline_seconds=each["deadline_seconds"],
            ),
            existed=each["existed"],
            hold=each["hold"],
        )
        for each in written
    )


def _applied(written: Mapping[str, Any]) -> tuple[Manifest, ...]:
    """Those of a step's objects that are applied. Earlier versions wrote no others down."""
    if "objects" not in written:
        return tuple(written["apply"])
    named = {ObjectKey(*key) for key in written["apply"]}
    return tuple(each for each in written["objects"] if key_of(each) in named)


def _step(change: Change, snapshot: Snapshot) -> Step:
    key = ObjectKey("Deployment", change.service.namespace, change.service.name)
    live = snapshot.objects.get(key)
    if live is None:
        return Step(change=change)
    return Step(change=change, existed=True, hold=annotation(live, HOLD))
