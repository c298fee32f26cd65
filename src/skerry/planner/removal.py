"""Services no longer declared: found by repository, removed last, clients before targets."""

from collections.abc import Iterable, Mapping

import orjson

from skerry.model.change import Action, Change
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import (
    DEPENDS,
    INPUTS,
    REPOSITORY,
    Manifest,
    annotation,
    owner_of,
)
from skerry.planner.compare import Objects, workload_of
from skerry.planner.layers import layers

_DATA = frozenset({"PersistentVolumeClaim"})


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


def removals(
    gone: Mapping[ServiceKey, Manifest],
    live: Mapping[ServiceKey, Objects],
    *,
    kept: Objects,
    absent: Mapping[ServiceKey, str],
    first_layer: int,
) -> list[Change]:
    """A delete for each, those that depend on others first. Data stays."""
    depths = layers({service: dependencies(each) for service, each in gone.items()})
    deepest = max(depths.values(), default=0)
    return [
        _removal(
            service,
            [key for key in live[service] if key not in kept],
            reason=absent.get(service, "no longer in the repository"),
            layer=first_layer + deepest - depths[service],
            inputs=annotation(gone[service], INPUTS) or "",
        )
        for service in gone
    ]


def dependencies(deployment: Manifest) -> tuple[ServiceKey, ...]:
    """What a live service was declared to depend on."""
    written = orjson.loads(annotation(deployment, DEPENDS) or "[]")
    return tuple(ServiceKey(*each.split("/", 1)) for each in written)


def _removal(
    service: ServiceKey, keys: list[ObjectKey], *, reason: str, layer: int, inputs: str
) -> Change:
    data = sorted(key for key in keys if key.kind in _DATA)
    delete = tuple(sorted(key for key in keys if key.kind not in _DATA))
    return Change(
        service=service,
        action=Action.DELETE,
        reason=reason,
        layer=layer,
        delete=delete,
        diff=tuple(f"- {key}" for key in delete),
        warnings=tuple(f"volume {key.name} and its data stay" for key in data),
        inputs=inputs,
    )
