"""Ten thousand tenants of a stack in one cell, and one of them changed.

    .venv/bin/python -m bench.kubernetes.tenants [TENANTS]

Two control planes of their own, with ten thousand tenants and with a hundred; no controllers,
and tenants of no replicas, so that what is applied is up at once. A tenant without a port: the
API server's allocator of addresses would make of the setup a figure of its own. Measured:

- the setup, as a roll-out writes it;
- one tenant's new version: `skerry apply --yes --no-wait` as a command, from its start to its
  end, in turns with the same among a hundred; its requests, counted by a proxy between;
- `skerry plan` with nothing changed, and `skerry verify`;
- the same change as a commit in a repository a running server follows, from the moment the
  branch has it (the webhook is rung then) until the Deployment has the new image;
- that server at rest.

`cpu` is CPU of the command, which neighbours on the machine do not change.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from urllib.request import Request, urlopen

from bench.kubernetes.figures import Figures, cpu_seconds, load, megabytes, wait_for
from bench.kubernetes.place import Cell
from bench.kubernetes.shop import Ran, Shop
from bench.machine import describe
from skerry.engines.kubernetes.client.client import Client
from skerry.model.change import Verdict
from skerry.operations import everywhere
from skerry.operations.layers import AT_ONCE
from skerry.operations.release import numbered, release_of
from skerry.operations.sources import read_sources
from skerry.operations.steps import steps_of
from tests.cluster.cluster import private_cluster
from tests.cluster.proxy import fault_proxy
from tests.end_to_end.servers import ServerProcess

TENANTS, FEW = 10_000, 100
RUNS = 5
REST_SECONDS = 60
LOOK_SECONDS = 1800  # SKERRY_LOOK_SECONDS, unless told otherwise
SECRET = "rung-by-a-bench"
Images = Callable[[str], str]


async def setup(shop: Shop, figures: Figures) -> None:
    """All of them from nothing, written as a roll-out writes: one lease, shared records."""
    async with Cell.opened(shop.folder / "state", shop.kubeconfig) as cell:
        began, spent = time.perf_counter(), time.process_time()
        found = await everywhere.plan(cell.fleet, cell.request(read_sources(shop.one)))
        ((_, planned),) = found.good
        planning = time.perf_counter() - began
        steps = steps_of(planned.plan, planned.snapshot)
        at = cell.platform.clock.now()
        releases = [
            replace(release_of(each, number=1, by="bench", at=at), verdict=Verdict.DEPLOYED)
            for each in steps
        ]
        began = time.perf_counter()
        engine, rest = cell.engine, iter(steps)

        async def work() -> None:
            for step in rest:
                await engine.apply(numbered(step.change, 1))

        await cell.platform.cells.ready()
        services = [each.service for each in steps]
        async with engine.writing(services, by="bench", stack="eu-customers"):
            await engine.record(*releases)
            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        took = time.perf_counter() - began
        objects = sum(len(each.change.objects) for each in steps)
        figures.note(
            f"{shop.count} tenants from nothing ({load()})",
            f"planned in {planning:.1f} s, {objects} objects in {took:.0f} s, "
            f"{objects / took:.0f}/s, cpu {time.process_time() - spent:.0f} s",
        )


def one_changed(shops: tuple[Shop, Shop], figures: Figures) -> None:
    """A command, in turns on many and on few."""
    ran: dict[int, list[Ran]] = {shop.count: [] for shop in shops}
    for turn in range(RUNS + 1):
        for shop in shops if turn % 2 else shops[::-1]:
            shop.change()
            changed = shop.skerry("apply", str(shop.one), "--yes", "--no-wait", "-o", "json")
            ran[shop.count].append(changed)
            # Its verdict, so that the next turn has one change and not two.
            shop.skerry("apply", str(shop.one), "--yes", "-o", "json")
    many, few = (ran[shop.count][1:] for shop in shops)  # the first compiles modules
    for shop, of in zip(shops, (many, few), strict=True):
        cpu = median(each.cpu for each in of)
        walls = " ".join(f"{each.seconds:.2f}" for each in of)
        figures.note(f"one of {shop.count} changed", f"cpu {cpu:.2f} s, walls {walls} ({load()})")
    seconds = median(each.seconds for each in many)
    figures.most("one tenant changed: command to applied", seconds, 1.5, " s")
    times = seconds / median(each.seconds for each in few)
    figures.most(f"beside the same among {shops[1].count}", times, 2.0, "x")
    applied, whole = requests(shops[0])
    figures.note("its requests in all, what is shown at the end too", str(whole))
    figures.most("its requests until it is applied, and given up", applied, 12.5, "")


def requests(shop: Shop) -> tuple[int, int]:
    """Of one such command, counted on the way: until its lease is given up, and all of them."""
    shop.change()
    with fault_proxy(shop.cluster) as proxy:
        shop.lead_to(proxy.kubeconfig)
        shop.skerry("apply", str(shop.one), "--yes", "--no-wait", "-o", "json")
        seen = list(proxy.seen)
        shop.lead_to(shop.cluster.kubeconfig)
    shop.skerry("apply", str(shop.one), "--yes", "-o", "json")
    leases = [number for number, (how, _) in enumerate(seen, 1) if how == "DELETE"]
    return leases[0], len(seen)


def nothing_changed(shop: Shop, figures: Figures) -> None:
    """A plan, in one file and in many; and every object looked at."""
    for folder, said in ((shop.one, "one file"), (shop.split, f"{shop.files} files")):
        ran = [shop.skerry("plan", str(folder), "-o", "json") for _ in range(RUNS)]
        assert not json.loads(ran[0].printed)["plans"][0]["changes"], "nothing should change"
        cpu = median(each.cpu for each in ran)
        figures.note("plan, nothing changed", f"cpu {cpu:.2f} s ({said}, {load()})")
        seconds = median(each.seconds for each in ran)
        figures.most(f"plan of {shop.count}, nothing changed, {said}", seconds, 2.0, " s")
    ran = [shop.skerry("verify", "-o", "json") for _ in range(3)]
    assert not json.loads(ran[-1].printed)["findings"], "nothing should be found"
    cpu = median(each.cpu for each in ran)
    figures.note("verify", f"cpu {cpu:.2f} s ({load()})")
    figures.most("verify of every object", median(each.seconds for each in ran), 15.0, " s")
    figures.most("its memory", max(each.megabytes for each in ran), 600.0, " MB")


class Git:
    """The repository a server follows, and the one who commits to it."""

    def __init__(self, folder: Path) -> None:
        self.origin = folder / "git" / "fleet"
        self._git("init", "-q", "-b", "main", str(self.origin), inside=False)
        self._git("config", "user.name", "bench")
        self._git("config", "user.email", "bench@acme.test")

    def commit(self, files: Path) -> None:
        """All of a folder, instead of what was there."""
        for old in self.origin.glob("*.yaml"):
            old.unlink()
        for file in files.glob("*.yaml"):
            (self.origin / file.name).write_bytes(file.read_bytes())
        self._git("add", "-A")
        self._git("commit", "-q", "-m", "another version", "--allow-empty")

    def _git(self, *arguments: str, inside: bool = True) -> None:
        where = ["-C", str(self.origin)] if inside else []
        subprocess.run(["git", *where, *arguments], check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def server(shop: Shop, git: Git) -> Iterator[ServerProcess]:
    """One that follows the repository, woken by the webhook alone."""
    folder = shop.folder / "server"
    folder.mkdir()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    made = ServerProcess(
        folder,
        "skerry",
        f"sqlite:///{folder / 'skerry.db'}",
        SKERRY_REPOSITORY=str(git.origin),
        SKERRY_WEBHOOK_SECRET=SECRET,
        SKERRY_POLL_SECONDS="3600",
        PYTHONPYCACHEPREFIX=str(shop.folder / "state.compiled"),
    )
    try:
        yield made
    finally:
        made.end()


def ring(made: ServerProcess, number: str) -> None:
    """The webhook, signed."""
    url = json.loads((made.state / "server.json").read_text())["url"] + "/v1/webhook"
    body = number.encode()
    signed = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    request = Request(url, data=body, headers={"X-Hub-Signature-256": signed}, method="POST")
    with urlopen(request, timeout=10):
        pass


def settled(made: ServerProcess) -> bool:
    """Whether the cell is at the newest commit, and nothing is under way."""
    status, view = made.call("GET", "/v1/reconcile")
    assert status == 200, view
    seen, cells = view["repository"]["seen"], view["cells"]
    return bool(cells) and all(each["commit"] == seen for each in cells)


def commits(shop: Shop, figures: Figures) -> None:
    """One tenant changed by a commit; then the server at rest."""
    git = Git(shop.folder)
    git.commit(shop.split)
    with server(shop, git) as made:
        took = wait_for(lambda: settled(made), seconds=300)
        figures.note("server: the first look at everything", f"{took:.1f} s ({load()})")
        for folder, said, target in (
            (shop.split, f"{shop.files} files", 0.5),
            (shop.one, "one file", 1.2),
        ):
            # The first has the documents in other files, and is not counted.
            walls = [one_commit(shop, made, git, folder) for _ in range(RUNS + 1)][1:]
            told = " ".join(f"{wall:.2f}" for wall in walls)
            figures.note(f"commit to applied, {said}", f"walls {told} ({load()})")
            figures.most(f"commit to applied, {said}", median(walls), target, " s")
        rest(made, figures)


def rest(made: ServerProcess, figures: Figures) -> None:
    """Over a minute, and in a whole look at every object, spread over the time between two."""
    wait_for(lambda: bool(verified(made)), seconds=180, every=1.0)  # the first, after a minute
    time.sleep(5)
    before, began = cpu_seconds(made.process.pid), time.perf_counter()
    time.sleep(REST_SECONDS)
    quiet = (cpu_seconds(made.process.pid) - before) / (time.perf_counter() - began)
    last, before = verified(made), cpu_seconds(made.process.pid)
    made.call("POST", "/v1/reconcile")
    wait_for(lambda: verified(made) != last, seconds=120, every=1.0)
    look = cpu_seconds(made.process.pid) - before
    told = f"{quiet:.2%} of a core, and {look:.1f} s of CPU for a look at everything"
    figures.note("server at rest", f"{told} ({load()})")
    share = quiet + look / LOOK_SECONDS
    figures.most("server at rest, of a core", share * 100, 3.0, " %")
    figures.most("its memory", megabytes(made.process.pid), 400.0, " MB")


def verified(made: ServerProcess) -> str:
    """When the cell's objects were looked at last."""
    _, view = made.call("GET", "/v1/reconcile")
    return str(view["cells"][0]["verified"] or "")


def one_commit(shop: Shop, made: ServerProcess, git: Git, folder: Path) -> float:
    """Seconds from the moment the branch has it until the Deployment has the image."""
    tenant, image = shop.change()
    git.commit(folder)
    began = time.perf_counter()
    seen = asyncio.run(_until(shop, tenant, image, lambda: ring(made, image)))
    wait_for(lambda: settled(made), seconds=60)
    return seen - began


async def _until(shop: Shop, tenant: str, image: str, act: Callable[[], None]) -> float:
    """Watch the tenant's Deployment, act, and say when it has the image."""
    client: Client = shop.cluster.client()
    try:
        async with asyncio.timeout(60):
            watch = client.watch("Deployment", namespace=f"eu-customers-{tenant}")
            async with contextlib.aclosing(watch):
                async for event in watch:
                    if event.type == "SYNC":
                        await asyncio.to_thread(act)
                        continue
                    assert event.object is not None
                    [container] = event.object["spec"]["template"]["spec"]["containers"]
                    if container["image"] == image:
                        return time.perf_counter()
        raise AssertionError("a watch never ends")
    finally:
        await client.close()


def main() -> int:
    """Print the figures; 1 when one is missed."""
    logging.disable(logging.CRITICAL)  # the proxy has a word for each cut connection
    count = int(sys.argv[1]) if len(sys.argv) > 1 else TENANTS
    figures = Figures()
    print(f"{count} tenants ({describe()}, {load()})")
    with (
        tempfile.TemporaryDirectory() as folder,
        private_cluster(pods=False, controllers=False) as few,
        private_cluster(pods=False, controllers=False) as many,
    ):
        shops = (
            Shop(Path(folder) / "many", many, count),
            Shop(Path(folder) / "few", few, FEW),
        )
        for shop in shops[::-1]:
            asyncio.run(setup(shop, figures))
        nothing_changed(shops[0], figures)
        one_changed(shops, figures)
        commits(shops[0], figures)
    print(f"  {load()} at the end")
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
