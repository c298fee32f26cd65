"""Services no longer declared: found by repository, removed last, clients before targets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import orjson

from skerry.model.change import Action, Change, HeldBack
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import (
    DEPENDS,
    INPUTS,
    REPOSITORY,
    STACK,
    Manifest,
    annotation,
    data_of,
    owner_of,
)
from skerry.planner.compare import Objects, workload_of
from skerry.planner.layers import layers

_DATA = frozenset({"PersistentVolumeClaim"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Services that are declared, and that no bundle with objects is for. `absent` are not run
    in this cell, each with its reason; `settled` tenants are as they should be, and not looked
    at. Of the tenants the cell has, `moved` run elsewhere now (their data stays), and `ended`
    were removed so long ago that their data goes."""

    absent: Mapping[ServiceKey, str] = field(default_factory=dict)
    settled: frozenset[ServiceKey] = frozenset()
    moved: Mapping[ServiceKey, str] = field(default_factory=dict)
    ended: Mapping[ServiceKey, str] = field(default_factory=dict)

    def reason(self, service: ServiceKey) -> str:
        """Why a service that runs here is to go."""
        for known in (self.absent, self.moved, self.ended):
            if service in known:
                return known[service]
        return "no longer in the repository"


NOWHERE = Elsewhere()


def by_owner(objects: Objects) -> dict[ServiceKey, dict[ObjectKey, Manifest]]:
    """Objects grouped by the service they belong to. Objects without an owner are nobody's
    to touch, and are left out."""
    found: dict[ServiceKey, dict[ObjectKey, Manifest]] = {}
    for key, manifest in objects.items():
        owner = owner_of(manifest)
        if owner is not None:
            found.setdefault(owner, {})[key] = manifest
    return found


def undeclared(
    live: Mapping[ServiceKey, Objects], declared: Iterable[ServiceKey], *, repository: str
) -> dict[ServiceKey, Manifest]:
    """The Deployments of the repository's services that it no longer declares."""
    known = set(declared)
    found: dict[ServiceKey, Manifest] = {}
    for service, objects in live.items():
        deployment = workload_of(service, objects)
        if service in known or deployment is None:
            continue
        if annotation(deployment, REPOSITORY) == repository:
            found[service] = deployment
    return found


def vanished(
    gone: Mapping[ServiceKey, Manifest], elsewhere: Elsewhere
) -> dict[ServiceKey, HeldBack]:
    """Tenants that are in no document any more, and that nobody removed: one line too many
    deleted must cost no customer."""
    found: dict[ServiceKey, HeldBack] = {}
    for service, deployment in gone.items():
        stack = (deployment["metadata"].get("labels") or {}).get(STACK)
        known = service in elsewhere.moved or service in elsewhere.ended
        if stack is not None and not known:
            reason = (
                f"is in no document any more, and goes on: `skerry tenants remove {stack} "
                f"{service.name}` removes a tenant, `skerry delete {service} --volumes` this one"
            )
            found[service] = HeldBack(service=service, reason=reason)
    return found


def removals(
    gone: Mapping[ServiceKey, Manifest],
    live: Mapping[ServiceKey, Objects],
    *,
    kept: Objects,
    elsewhere: Elsewhere,
    first_layer: int,
) -> list[Change]:
    """A delete for each, those that depend on others first. Data stays, but that of tenants
    whose time is over."""
    depths = layers({service: dependencies(each) for service, each in gone.items()})
    deepest = max(depths.values(), default=0)
    return [
        _removal(
            service,
            [key for key in live[service] if key not in kept],
            reason=elsewhere.reason(service),
            layer=first_layer + deepest - depths[service],
            inputs=annotation(gone[service], INPUTS) or "",
            data_goes=service in elsewhere.ended,
        )
        for service in gone
    ]


def dependencies(deployment: Manifest) -> tuple[ServiceKey, ...]:
    """What a live service was declared to depend on."""
    written = orjson.loads(annotation(deployment, DEPENDS) or "[]")
    return tuple(ServiceKey(*each.split("/", 1)) for each in written)


def _removal(
    service: ServiceKey,
    keys: list[ObjectKey],
    *,
    reason: str,
    layer: int,
    inputs: str,
    data_goes: bool,
) -> Change:
    data = sorted(key for key in keys if key.kind in _DATA)
    stays = frozenset() if data_goes else data_of(keys)
    delete = tuple(sorted(key for key in keys if key not in stays))
    fate = "go" if data_goes else "stay"
    return Change(
        service=service,
        action=Action.DELETE,
        reason=reason,
        layer=layer,
        delete=delete,
        diff=tuple(f"- {key}" for key in delete),
        warnings=tuple(f"volume {key.name} and its data {fate}" for key in data),
        inputs=inputs,
    )
