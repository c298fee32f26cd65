"""A cell in memory that plans are made for and applied to, without waiting for anything."""

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from skerry.engines.memory.engine import MemoryEngine
from skerry.model.cell import LOCAL
from skerry.model.change import Change, Plan, Release, Verdict
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import Manifest
from skerry.model.world import Scope, Snapshot
from skerry.observer.understand import understand
from skerry.planner.plan import differing, plan
from tests.builders import REPOSITORY, ServiceBuilder, bundles
from tests.fakes.clock import SteppedClock

T = TypeVar("T")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Island:
    """One cell. Everything is synchronous: nothing in memory has to be waited for."""

    def __init__(self) -> None:
        self.engine = MemoryEngine(LOCAL, SteppedClock(NOW))

    @property
    def snapshot(self) -> Snapshot:
        """All of it, now."""
        return understand(run(self.engine.observe()))

    def plan(
        self,
        *services: ServiceBuilder,
        name: str = REPOSITORY,
        fingerprints: Mapping[str, str] | None = None,
        **around: Any,
    ) -> Plan:
        """What these services would change, everything looked at."""
        wanted = bundles(*services, name=name, fingerprints=fingerprints)
        return plan(wanted, self.snapshot, repository=name, limits=self.engine.limits, **around)

    def plan_differing(self, *services: ServiceBuilder) -> Plan:
        """The same, opening only what the index says differs."""
        index = run(self.engine.index())
        wanted = bundles(*services, skip=index)
        scope = Scope(services=differing(wanted, index, repository=REPOSITORY))
        snapshot = understand(run(self.engine.observe(scope)))
        return plan(wanted, snapshot, repository=REPOSITORY, limits=self.engine.limits)

    def apply(self, made: Plan) -> Plan:
        """Do it."""
        for change in made.changes:
            run(self.engine.apply(change))
        return made

    def deploy(self, *services: ServiceBuilder, name: str = REPOSITORY) -> Plan:
        """Plan and do it."""
        return self.apply(self.plan(*services, name=name))

    def record(self, change: Change, number: int) -> Release:
        """Keep what was applied as a release."""
        release = Release(
            service=change.service,
            number=number,
            image="",
            by="ann",
            at=NOW,
            reason=change.reason,
            inputs=change.inputs,
            objects=change.objects,
            verdict=Verdict.DEPLOYED,
            before=change.before,
        )
        run(self.engine.record(release))
        return release

    def deployment(self, key: ServiceKey) -> Manifest:
        """A service's Deployment, now."""
        return self.snapshot.objects[ObjectKey("Deployment", *key)]

    @property
    def objects(self) -> Mapping[ObjectKey, Manifest]:
        """Every object, as planned from."""
        return self.snapshot.objects


def run(work: Coroutine[Any, Any, T]) -> T:
    """Drive what never really waits."""
    return asyncio.run(work)
