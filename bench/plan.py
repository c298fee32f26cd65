"""Compile and plan 10,000 services against the memory engine: `python -m bench.plan`.

Reading and validating documents is measured elsewhere; here the models are given. Printed:
the first plan, the plan after one changed service, each with its parts, and the peak of
the process's memory. Targets: 2.5 s, 0.3 s, 500 MB.
"""

import asyncio
import gc
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from skerry.clock import SystemClock
from skerry.compiler.compile import compile_repository
from skerry.engines.memory.engine import MemoryEngine
from skerry.model.cell import LOCAL
from skerry.model.change import Plan
from skerry.model.objects import digest_of
from skerry.model.repository import DeclaredService, Repository
from skerry.model.service import Service
from skerry.model.world import Scope
from skerry.observer.understand import understand
from skerry.planner.plan import differing, plan

COUNT = 10_000
TARGETS = {"first": 2.5, "again": 0.3, "megabytes": 500.0}


@dataclass
class Figures:
    """Seconds of each part, in the order measured."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measured(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def repository(count: int = COUNT) -> Repository:
    """Services with ten keys each, every tenth depending on the one before it."""
    return Repository(name="bench", services=tuple(declared(number) for number in range(count)))


def declared(number: int, tag: str = "1.4.2") -> DeclaredService:
    """One of them."""
    document: Mapping[str, object] = {
        "service": f"service-{number}",
        "image": f"registry.test/acme/service-{number}:{tag}",
        "team": f"team-{number // 10 % 50}",
        "tags": {"cost-center": str(number % 100)},
        "port": 8000,
        "env": {"LOG_LEVEL": "info", "REGION": "eu"},
        "health": {"path": "/healthz"},
        "resources": {"cpu": "100m", "memory": "128Mi"},
        "drain": "10s",
        "depends": [f"service-{number - 1}"] if number % 10 == 9 else [],
    }
    service = Service.model_validate(document)
    return DeclaredService(
        service=service, file=f"{number}.yaml", folder="", digest=digest_of(document)
    )


async def planned(wanted: Repository, engine: MemoryEngine, figures: Figures) -> Plan:
    """The way a plan takes in operations: index, compile what differs, look at it, plan."""
    with figures.measured("index"):
        index = await engine.index()
    with figures.measured("compile"):
        bundles = compile_repository(wanted, LOCAL, contents={}, fingerprints={}, skip=index)
    with figures.measured("observe"):
        scope = Scope(services=differing(bundles, index, repository=wanted.name))
        snapshot = understand(await engine.observe(scope))
    with figures.measured("plan"):
        return plan(bundles, snapshot, repository=wanted.name, limits=engine.limits)


async def measure(count: int = COUNT) -> dict[str, float]:
    """All figures; seconds, and megabytes."""
    gc.set_threshold(100_000, 50, 100)
    engine = MemoryEngine(LOCAL, SystemClock())
    wanted = repository(count)
    found: dict[str, float] = {}
    first = Figures()
    made = await planned(wanted, engine, first)
    assert len(made.changes) == count
    for change in made.changes:
        await engine.apply(change)
    del made, change
    again = Figures()
    changed = (*wanted.services[:-1], declared(count - 1, tag="1.4.3"))
    made = await planned(replace(wanted, services=changed), engine, again)
    assert [change.reason for change in made.changes] == ["image 1.4.2 -> 1.4.3"]
    for name, figures in (("first", first), ("again", again)):
        found[name] = sum(figures.seconds.values())
        found |= {f"{name}: {part}": spent for part, spent in figures.seconds.items()}
    found["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def main() -> None:
    """Print each figure, beside its target where it has one."""
    for name, figure in asyncio.run(measure()).items():
        target = f"  target {TARGETS[name]:g}" if name in TARGETS else ""
        sys.stdout.write(f"{name:16} {figure:8.3f}{target}\n")


if __name__ == "__main__":
    main()
