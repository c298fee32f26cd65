"""A wave over a thousand tenants: Skerry beside a bare loop of the same PATCHes.

    .venv/bin/python -m bench.kubernetes.wave [TENANTS]

In turns, on a control plane of its own without controllers, each turn another version:

- `wave`: from the start of a wave until every tenant is changed: the lease, a list of what is
  there, compiling and planning the tenants, a record of their releases, the changes, the index.
  What follows is waiting for replicas, which nobody makes here.
- `bare`: server-side apply of the same Deployments by aiohttp and orjson, 16 under way.

`own` is CPU of this process a tenant, `all` that of API server and etcd with it, in
milliseconds: what neighbours on the machine do not change.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.kubernetes.bare import Bare
from bench.kubernetes.figures import Figures, cpu_seconds, load
from bench.kubernetes.place import CELL, Cell, cell_document
from bench.machine import describe
from skerry.model.keys import ObjectKey
from skerry.model.objects import INVENTORY, annotation, key_of
from skerry.model.rollout import Rollout
from skerry.model.sources import Sources, SourceText
from skerry.model.world import Scope
from skerry.operations.versions import NewVersion
from skerry.operations.voice import Voice
from skerry.operations.wave import Wave, only_writer
from tests.cluster.cluster import TestCluster, private_cluster

TENANTS = 1000
TURNS = 3
WITH_BARE = 0.8
STACK = "eu-customers"
DOCUMENT = """\
stack: {stack}
template:
  image: "ghcr.io/acme/app:{{version}}"
  env: {{TENANT: "{{tenant}}", LOG_LEVEL: info}}
  health: {{path: /healthz}}
values: {{version: "1"}}
tenants:
{tenants}
"""


@dataclass
class Took:
    """What turns of one way took, in all."""

    tenants: int = 0
    seconds: float = 0.0
    own: float = 0.0
    beneath: float = 0.0

    def __str__(self) -> str:
        own = self.own * 1000 / self.tenants
        every = (self.own + self.beneath) * 1000 / self.tenants
        return f"{self.tenants / self.seconds:6.0f}/s  own {own:5.2f}  all {every:5.2f} ms"


class Contest:
    """The two ways, over the same tenants."""

    def __init__(self, cluster: TestCluster, cell: Cell, bare: Bare, tenants: int) -> None:
        self.took = {"wave": Took(), "bare": Took()}
        self._cluster = cluster
        self._cell = cell
        self._bare = bare
        self._names = tuple(f"tenant-{number:05}" for number in range(tenants))
        text = DOCUMENT.format(
            stack=STACK, tenants="\n".join(f"  {name}: {{}}" for name in self._names)
        )
        self.sources = Sources(
            name="bench",
            texts=(
                SourceText(path="cell.yaml", text=cell_document(cluster.kubeconfig)),
                SourceText(path="stack.yaml", text=text),
            ),
        )
        self._repository = cell.fleet.load(self.sources)

    async def turn(self, number: int) -> None:
        """A wave, then the same again by the loop, as another version yet."""
        manifests: list[dict[str, Any]] = []
        await self._measured("wave", self._wave(f"2.{number}", manifests))
        lists = await self._lists()
        bodies = [_another(each, lists[key_of(each)]) for each in manifests]
        await self._measured("bare", self._bare.all(bodies))

    async def _wave(self, version: str, manifests: list[dict[str, Any]]) -> None:
        platform = self._cell.platform
        now = platform.clock.now()
        rollout = Rollout(
            id=version,
            stack=STACK,
            cell=CELL,
            repository=self._repository.name,
            version=version,
            by="bench",
            at=now,
            attempts=(now,),
            since=now,
            waves=(self._names,),
        )
        gift = NewVersion(
            platform, rollout, self._repository, cell=platform.engine.cell, contents={}
        )
        operation = platform.running.draft("rollout", by="bench", subject=STACK, request={})
        await platform.ledger.open_operation(operation)
        voice = Voice(platform.ledger, platform.clock, operation=operation.id, heard=lambda: None)
        async with only_writer(platform, rollout, voice):
            wave = Wave(platform, rollout, voice=voice, pulse=lambda _: False)
            await wave.begin(gift)
        for member in wave.members:
            assert member.step is not None
            manifests += (dict(each) for each in member.step.change.apply)

    async def _lists(self) -> dict[ObjectKey, str]:
        """What each Deployment lists: the loop sends that again, as a wave does."""
        look = await self._cell.engine.inventory(Scope(stack=STACK))
        return {
            key_of(each): annotation(each, INVENTORY) or ""
            for each in look.objects
            if each["kind"] == "Deployment"
        }

    async def _measured(self, way: str, act: Awaitable[None]) -> None:
        beneath, spent, began = self._beneath(), time.process_time(), time.perf_counter()
        await act
        took = self.took[way]
        took.seconds += time.perf_counter() - began
        took.own += time.process_time() - spent
        took.beneath += self._beneath() - beneath
        took.tenants += len(self._names)

    def _beneath(self) -> float:
        return sum(map(cpu_seconds, self._cluster.plane.pids))


def _another(deployment: dict[str, Any], listed: str) -> dict[str, Any]:
    """The same with another image, so that it changes."""
    template = deployment["spec"]["template"]
    [container] = template["spec"]["containers"]
    changed = {**container, "image": f"{container['image']}-bare"}
    spec = {**template["spec"], "containers": [changed]}
    metadata = deployment["metadata"]
    annotations = {**metadata["annotations"], INVENTORY: listed}
    return {
        **deployment,
        "metadata": {**metadata, "annotations": annotations},
        "spec": {**deployment["spec"], "template": {**template, "spec": spec}},
    }


async def measure(cluster: TestCluster, folder: Path, tenants: int) -> dict[str, Took]:
    """Everything, on this cluster."""
    async with Bare(cluster) as bare, Cell.opened(folder / "state", cluster.kubeconfig) as cell:
        contest = Contest(cluster, cell, bare, tenants)
        await cell.apply(contest.sources)
        for number in range(TURNS):
            await contest.turn(number)
        return contest.took


def main() -> int:
    """Print the figures; 1 when one is missed."""
    tenants = int(sys.argv[1]) if len(sys.argv) > 1 else TENANTS
    figures = Figures()
    print(f"a wave over {tenants} tenants ({describe()}, {load()})")
    with (
        tempfile.TemporaryDirectory() as folder,
        private_cluster(pods=False, controllers=False) as cluster,
    ):
        took = asyncio.run(measure(cluster, Path(folder), tenants))
    for way, each in took.items():
        figures.note(way, str(each))
    ratio = took["bare"].seconds / took["wave"].seconds
    figures.least("a wave, beside the bare loop", ratio, WITH_BARE)
    print(f"  {load()} at the end")
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
