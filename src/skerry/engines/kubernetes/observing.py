"""One look at a cell, put together."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from skerry.engines.kubernetes.board import Board, Seen
from skerry.engines.kubernetes.informer import WIDE, Source, beside, narrow, read_sources
from skerry.engines.kubernetes.inventory import stubs_of
from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.records import Records
from skerry.engines.kubernetes.shaping import shape_whole
from skerry.model.change import Release
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import STACK, Manifest, key_of
from skerry.model.world import EVERYTHING, Observation, Scope

FEW: Final = 8
"""Up to so many services are looked at one by one."""
_WHOLE: Final = frozenset({"Deployment", "HorizontalPodAutoscaler", "PersistentVolumeClaim"})


async def observe(parts: Parts, scope: Scope = EVERYTHING) -> Observation:
    """Deployments, autoscalers and volume claims whole, replicas as far as they are looked at,
    every other object by its metadata, as its Deployment lists it."""
    board = Board()
    releases, _ = await asyncio.gather(
        releases_of(parts, scope), read_sources(parts, board, _sources(scope))
    )
    look = dict(board.look(scope))
    return observation(parts, look, releases=releases, listed=True)


async def releases_of(parts: Parts, scope: Scope) -> Mapping[ServiceKey, Release]:
    """Each service's newest."""
    return await Records(parts.client).newest(scope)


def observation(
    parts: Parts,
    look: Mapping[ServiceKey, Seen],
    *,
    releases: Mapping[ServiceKey, Release],
    problem: str = "",
    listed: bool = False,
) -> Observation:
    """What was seen, as every engine gives it. `listed`: with the objects that Deployments
    only list."""
    objects = [each for seen in look.values() for each in seen.objects]
    if listed:
        objects += _listed(objects)
    return Observation(
        cell=parts.cell.cell,
        at=parts.clock.now(),
        objects=tuple(objects),
        pods=tuple(pod for seen in look.values() for pod in seen.pods),
        events=tuple(event for seen in look.values() for event in seen.events),
        releases=releases,
        overrides={
            service: seen.override for service, seen in look.items() if seen.override is not None
        },
        problems=(problem,) if problem else (),
    )


def _listed(objects: Iterable[Manifest]) -> list[Manifest]:
    found: dict[ObjectKey, Manifest] = {}
    there = {key_of(each) for each in objects}
    for each in objects:
        if each["kind"] == "Deployment":
            found |= {key_of(stub): stub for stub in stubs_of(each)}
    return [stub for key, stub in found.items() if key not in there and key.kind not in _WHOLE]


def _sources(scope: Scope) -> tuple[Source, ...]:
    if scope.services is not None and len(scope.services) <= FEW:
        services = sorted(scope.services)
        return (*narrow(services), *beside(services))
    stack = f",{STACK}={scope.stack}" if scope.services is None and scope.stack else ""
    return tuple(
        Source(
            kind=each.kind,
            shape=shape_whole if each.kind in _WHOLE else each.shape,
            labels=f"{each.labels}{stack}" if each.labels else "",
            fields=each.fields,
        )
        for each in WIDE
    )
