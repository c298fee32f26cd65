"""What a conformance run needs beside an engine: images that behave, and a look behind it.

An engine's author writes a `World` and a factory for it, and names the factory in
`conftest.py`. The helpers below deploy and wait exactly as operations do, so that what
passes here holds there.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Protocol

from skerry.clock import SystemClock
from skerry.engines.memory.engine import MemoryEngine
from skerry.model.cell import LOCAL
from skerry.model.change import Plan
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.world import Scope, ServiceState, Snapshot
from skerry.observer.rollout import Done, Failed, progress
from skerry.observer.understand import understand
from skerry.planner.plan import plan
from skerry.ports import Engine
from tests.builders import REPOSITORY, ServiceBuilder, bundles, service


class World(Protocol):
    """One engine, empty, and a few knobs."""

    engine: Engine
    patience: float
    """Seconds after which a wait has failed."""

    def service(self, name: str) -> ServiceBuilder:
        """A service that runs well here, at version 1, and says a line when it starts."""

    def image(self, version: int) -> str:
        """An image that runs well in a service made here; each version another name."""

    def exiting(self, builder: ServiceBuilder) -> ServiceBuilder:
        """The service changed so that it says a line and exits 1 at its start."""

    def never_ready(self, builder: ServiceBuilder) -> ServiceBuilder:
        """The service changed so that it runs and never becomes ready."""

    def missing(self, builder: ServiceBuilder) -> ServiceBuilder:
        """The service changed to an image that is nowhere."""

    async def one_offs(self) -> Collection[str]:
        """Containers of `run` that exist now, ended ones included."""

    async def plant(self, name: str) -> None:
        """Something of somebody else's, named like a service's."""

    async def intact(self, name: str) -> bool:
        """Whether what was planted is as it was."""


class MemoryWorld:
    """The memory engine, at a pace a test can watch."""

    def __init__(self) -> None:
        self.memory = MemoryEngine(LOCAL, SystemClock(), start_seconds=0.02, drain_seconds=0.02)
        self.engine: Engine = self.memory
        self.patience = 5.0

    def service(self, name: str) -> ServiceBuilder:
        return service(name).image(self.image(1))

    def image(self, version: int) -> str:
        return f"registry.test/well:{version}"

    def exiting(self, builder: ServiceBuilder) -> ServiceBuilder:
        return builder.image("fault/exits:1")

    def never_ready(self, builder: ServiceBuilder) -> ServiceBuilder:
        return builder.image("fault/never-ready:1")

    def missing(self, builder: ServiceBuilder) -> ServiceBuilder:
        return builder.image("fault/missing:1")

    async def one_offs(self) -> Collection[str]:
        return self.memory.jobs

    async def plant(self, name: str) -> None:
        metadata = {"name": name, "namespace": "default"}
        self.memory.plant({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})

    async def intact(self, name: str) -> bool:
        return self.memory.object(ObjectKey("ConfigMap", "default", name)) is not None


async def snapshot(world: World) -> Snapshot:
    """The cell now, understood."""
    return understand(await world.engine.observe())


async def planned(
    world: World, *services: ServiceBuilder, fingerprints: Mapping[str, str] | None = None
) -> Plan:
    """What applying these services would do now."""
    wanted = bundles(*services, cell=world.engine.cell, fingerprints=fingerprints)
    now = await snapshot(world)
    return plan(wanted, now, repository=REPOSITORY, limits=world.engine.limits)


async def planned_cheaply(world: World, *services: ServiceBuilder) -> Plan:
    """The same, from the inventory alone."""
    wanted = bundles(*services, cell=world.engine.cell)
    scope = Scope(services=frozenset(each.service for each in wanted))
    now = understand(await world.engine.inventory(scope))
    return plan(wanted, now, repository=REPOSITORY, limits=world.engine.limits)


async def applied(world: World, *services: ServiceBuilder) -> Plan:
    """Plan and apply, without waiting."""
    made = await planned(world, *services)
    for change in made.changes:
        await world.engine.apply(change)
    return made


async def settled(world: World, key: ServiceKey) -> ServiceState:
    """Wait for the rollout to be done. Fails at once when it cannot be."""
    seen: ServiceState | None = None
    try:
        async with asyncio.timeout(world.patience):
            async for observation in world.engine.watch(Scope(services=frozenset({key}))):
                seen = understand(observation).services.get(key)
                if seen is None:
                    continue
                answer = progress(seen)
                assert not isinstance(answer, Failed), answer
                if isinstance(answer, Done):
                    return seen
    except TimeoutError:
        raise AssertionError(f"{key} did not settle: {seen}") from None
    raise AssertionError("a watch never ends")


async def hopeless(world: World, key: ServiceKey) -> Failed:
    """Wait until the rollout is known to fail."""
    seen: ServiceState | None = None
    try:
        async with asyncio.timeout(world.patience):
            async for observation in world.engine.watch(Scope(services=frozenset({key}))):
                seen = understand(observation).services.get(key)
                answer = progress(seen) if seen is not None else None
                assert not isinstance(answer, Done), seen
                if isinstance(answer, Failed):
                    return answer
    except TimeoutError:
        raise AssertionError(f"{key} did not fail: {seen}") from None
    raise AssertionError("a watch never ends")


async def gone(world: World, key: ServiceKey) -> None:
    """Wait until nothing of the service runs."""
    async with asyncio.timeout(world.patience):
        async for observation in world.engine.watch(Scope(services=frozenset({key}))):
            if not observation.pods:
                return


async def empty(world: World) -> None:
    """Wait until no object is left."""
    for _ in range(round(world.patience / 0.02)):
        if not (await world.engine.observe()).objects:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"left: {(await snapshot(world)).objects.keys()}")
