"""A thousand services applied: Skerry beside a bare loop, and beside kubectl.

    .venv/bin/python -m bench.kubernetes.apply [SERVICES]

Everything they compile to (account, network policy, Service, budget, Deployment; every second
has an autoscaler), in turns, each way into namespaces of its own, on a control plane of its own
without controllers.

- `skerry`: what `apply` of a repository does once it is planned: the lease, a record of each
  release, the objects, the index. Namespaces are made by it, within its time.
- `bare`: one server-side apply an object by aiohttp and orjson, 16 under way, in the same order.
- `kubectl apply --server-side`, as it is, and with `--validate=false`.

Then kind by kind, through the same engine, in a block of its own, without a record. Services
are slow in the API server itself: each takes an address from its allocator.

`own` is CPU of the process that applies, `all` that of API server and etcd with it, in
milliseconds an object: what neighbours on the machine do not change. Where the cores are all
in use, the rates are to each other as these are.
"""

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from bench.kubernetes.bare import Bare
from bench.kubernetes.figures import Figures, cpu_seconds, load
from bench.kubernetes.place import Cell, cell_document
from bench.machine import describe
from skerry.model.change import Action, Change
from skerry.model.keys import ServiceKey
from skerry.model.sources import Sources, SourceText
from skerry.model.world import Scope
from skerry.operations import everywhere
from skerry.operations.deploy import Planned
from tests.cluster.cluster import TestCluster, private_cluster
from tests.cluster.plane import binary

SERVICES = 1000
TURNS = 4
KIND_OBJECTS, KIND_TURNS = 400, 2
WITH_BARE, WITH_KUBECTL = 0.85, 1.5
KINDS = (
    "ServiceAccount",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "HorizontalPodAutoscaler",
    "Deployment",
    "Service",
)
SERVICE = """\
service: service-{number}
team: {team}
image: ghcr.io/acme/hello:1.4.2
env: {{LOG_LEVEL: info, REGION: eu, FEATURES: "search,basket,invoices"}}
health: {{path: /healthz}}
scale: {{min: 2, max: {most}}}
resources: {{cpu: 250m, memory: 256Mi}}
"""
Objects = list[dict[str, Any]]


@dataclass
class Took:
    """What turns of one way took."""

    objects: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    beneath: float = 0.0
    rates: list[float] = field(default_factory=list)

    def add(self, objects: int, seconds: float, *, cpu: float, beneath: float) -> None:
        """One turn: CPU of who applied, and of what is beneath it."""
        self.objects += objects
        self.seconds += seconds
        self.cpu += cpu
        self.beneath += beneath
        self.rates.append(objects / seconds)

    @property
    def rate(self) -> float:
        """Objects a second, over all turns."""
        return self.objects / self.seconds

    @property
    def own(self) -> float:
        """Milliseconds of CPU an object, of who applied."""
        return self.cpu * 1000 / self.objects

    @property
    def all(self) -> float:
        """The same with API server and etcd."""
        return (self.cpu + self.beneath) * 1000 / self.objects


class Contest:
    """The ways to apply, and what they took."""

    def __init__(self, cluster: TestCluster, cell: Cell, bare: Bare, folder: Path) -> None:
        self.took: dict[str, Took] = defaultdict(Took)
        self._cluster = cluster
        self._cell = cell
        self._bare = bare
        self._folder = folder

    async def planned(self, way: str, turn: int, count: int) -> tuple[Planned, Sources]:
        """Documents of that many services, ten a team, and what they compile to."""
        first = turn * count
        texts = [
            SERVICE.format(
                number=number, team=f"{way}-{turn}-{number // 10}", most=10 if number % 2 else 2
            )
            for number in range(first, first + count)
        ]
        sources = Sources(
            name=f"{way}-{turn}",
            texts=(
                SourceText(path="cell.yaml", text=cell_document(self._cluster.kubeconfig)),
                SourceText(path="services.yaml", text="---\n".join(texts)),
            ),
        )
        found = await everywhere.plan(self._cell.fleet, self._cell.request(sources))
        ((_, planned),) = found.good
        return planned, sources

    async def turn(self, turn: int, count: int) -> None:
        """Each way once; who begins changes."""
        ways = ["bare", "skerry", "kubectl", "kubectl --validate=false"]
        for way in ways[turn % len(ways) :] + ways[: turn % len(ways)]:
            short = way.replace(" --validate=false", "-loose")
            planned, sources = await self.planned(short, turn, count)
            objects = [dict(each) for change in planned.plan.changes for each in change.objects]
            if way == "skerry":
                await self._measured(way, len(objects), self._cell.apply(sources))
                continue
            await self._namespaces(objects)
            if way == "bare":
                await self._measured(way, len(objects), self._bare.all(objects))
            else:
                await self._kubectl(way, objects)

    async def kind(self, kind: str, manifests: dict[str, Objects]) -> None:
        """One kind, in turns: the engine, and the loop."""
        size = len(manifests["bare"]) // KIND_TURNS
        for turn in range(KIND_TURNS):
            for way in ("bare", "skerry") if turn % 2 else ("skerry", "bare"):
                part = manifests[way][turn * size : (turn + 1) * size]
                if way == "skerry":  # as a plan looks, before anything is applied
                    services = frozenset(change_of(each).service for each in part)
                    await self._cell.engine.inventory(Scope(services=services))
                act = self._bare.all if way == "bare" else self._one_kind
                await self._measured(f"{way} {kind}", size, act(part))
        await self._kubectl(f"kubectl {kind}", manifests["kubectl"])

    async def _one_kind(self, manifests: Objects) -> None:
        engine = self._cell.engine
        changes = [change_of(each) for each in manifests]
        async with engine.writing([each.service for each in changes], by="bench"):
            await asyncio.gather(*(engine.apply(each) for each in changes))

    async def _measured(self, way: str, objects: int, act: Awaitable[float | None]) -> None:
        """An act of this process; it may know better itself how long it took."""
        beneath, spent, began = self._beneath(), time.process_time(), time.perf_counter()
        known = await act
        took = known or time.perf_counter() - began
        cpu = time.process_time() - spent
        self.took[way].add(objects, took, cpu=cpu, beneath=self._beneath() - beneath)

    def _beneath(self) -> float:
        return sum(map(cpu_seconds, self._cluster.plane.pids))

    async def _kubectl(self, way: str, objects: Objects) -> None:
        """Its own process; its CPU is its own."""
        file = self._folder / "objects.json"
        file.write_bytes(orjson.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        program = binary("kubectl")
        assert program, "no kubectl"
        command = [program, "--kubeconfig", self._cluster.kubeconfig, "apply", "--server-side"]
        command += ["--field-manager", "skerry", "-f", file]
        command += ["--validate=false"] if "false" in way else []
        beneath, before = self._beneath(), resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        await asyncio.to_thread(
            subprocess.run,
            [str(each) for each in command],
            check=True,
            stdout=subprocess.DEVNULL,
            env={"HOME": str(self._folder), "PATH": os.environ["PATH"]},
        )
        took = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.took[way].add(len(objects), took, cpu=cpu, beneath=self._beneath() - beneath)

    async def _namespaces(self, objects: Objects) -> None:
        names = sorted({each["metadata"]["namespace"] for each in objects})
        await self._bare.all(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names
        )

    async def kinds(self, count: int) -> None:
        """Kind by kind, everything in three namespaces that are there."""
        objects: dict[str, dict[str, Objects]] = defaultdict(lambda: defaultdict(list))
        for way in ("bare", "skerry", "kubectl"):
            planned, _ = await self.planned(f"kinds-{way}", 0, count)
            for change in planned.plan.changes:
                for each in change.objects:
                    objects[each["kind"]][way].append(dict(each))
            await self._namespaces([each for kind in KINDS for each in objects[kind][way]])
        for kind in KINDS:
            await self.kind(kind, objects[kind])


def change_of(manifest: dict[str, Any]) -> Change:
    """A change of one object alone."""
    metadata = manifest["metadata"]
    owner = metadata["labels"]["skerry.dev/service"]
    return Change(
        service=ServiceKey(metadata["namespace"], owner),
        action=Action.CREATE,
        reason="bench",
        apply=(manifest,),
        objects=(manifest,),
    )


def report(took: dict[str, Took], figures: Figures) -> None:
    """The tables, and the figures."""
    for way, each in took.items():
        rates = " ".join(f"{rate:.0f}" for rate in each.rates)
        figures.note(
            way, f"{each.rate:6.0f}/s  own {each.own:5.2f}  all {each.all:5.2f} ms  ({rates})"
        )
    for kind in ("", *(f" {kind}" for kind in KINDS)):
        ours = took[f"skerry{kind}"].rate
        name = kind.strip() or "in all"
        figures.least(f"{name}, beside the bare loop", ours / took[f"bare{kind}"].rate, WITH_BARE)
        for way in ("kubectl", "kubectl --validate=false"):
            if (other := took.get(f"{way}{kind}")) is not None:
                figures.least(f"{name}, beside {way}", ours / other.rate, WITH_KUBECTL)


async def measure(cluster: TestCluster, folder: Path, services: int) -> dict[str, Took]:
    """Everything, on this cluster."""
    async with Bare(cluster) as bare, Cell.opened(folder / "state", cluster.kubeconfig) as cell:
        contest = Contest(cluster, cell, bare, folder)
        warm = Contest(cluster, cell, bare, folder)
        await warm.turn(TURNS, 20)
        for turn in range(TURNS):
            await contest.turn(turn, services // TURNS)
        await contest.kinds(min(KIND_OBJECTS, services))
        return dict(contest.took)


def main() -> int:
    """Print the figures; 1 when one is missed."""
    services = int(sys.argv[1]) if len(sys.argv) > 1 else SERVICES
    figures = Figures()
    print(f"{services} services applied ({describe()}, {load()})")
    with (
        tempfile.TemporaryDirectory() as folder,
        private_cluster(pods=False, controllers=False) as cluster,
    ):
        report(asyncio.run(measure(cluster, Path(folder), services)), figures)
    print(f"  {load()} at the end")
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
