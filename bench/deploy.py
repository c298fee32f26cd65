"""From command to traffic on the new image, the old one drained: `python -m bench.deploy`.

One replica, warm images that handle TERM. Beside it, in the same run and in turns: create,
start, wait for the port, stop and remove the same image straight on the engine's API.
Targets: a deploy at most 4x that; a rollback no slower than a deploy.
"""

import asyncio
import statistics
import sys
import time

from bench.bare import Bare
from bench.machine import Bench, bench, describe

ROUNDS = 7
MOST = 4.0

DOCUMENT = """\
service: web
image: {image}
health: {{path: /healthz}}
"""


def main() -> int:
    """Print the figures; 1 when a target is missed."""
    print(f"deploy and rollback, 1 replica, warm ({describe()})")
    with bench() as it:
        it.skerry.write(DOCUMENT.format(image=it.images[0]))
        it.skerry.skerry("up", ".")
        deploys, rollbacks, bare = [], [], []
        for number in range(ROUNDS):
            bare.append(asyncio.run(straight(it)))
            image = it.images[(number + 1) % 2]
            deploys.append(timed(it, "deploy", "web", "--image", image))
            rollbacks.append(timed(it, "rollback", "web"))
            timed(it, "rollback", "web")
    return report(deploys, rollbacks, bare)


def report(deploys: list[float], rollbacks: list[float], bare: list[float]) -> int:
    """The medians and their ratios."""
    deploy, rollback, engine = (statistics.median(each) for each in (deploys, rollbacks, bare))
    print(f"  the engine's own create + start + stop  {engine:6.2f} s")
    print(f"  deploy    {deploy:6.2f} s  {deploy / engine:4.1f}x of it  (target at most {MOST:g}x)")
    print(f"  rollback  {rollback:6.2f} s  {rollback / deploy:4.2f}x a deploy  (target at most 1)")
    return int(deploy > MOST * engine or rollback > deploy * 1.05)


def timed(it: Bench, *command: str) -> float:
    """Seconds of a whole command, the start of the command line included."""
    began = time.perf_counter()
    it.skerry.skerry(*command, env={"PYTHONDONTWRITEBYTECODE": ""})
    return time.perf_counter() - began


async def straight(it: Bench) -> float:
    """Seconds of the same on the engine's API alone."""
    async with Bare(it.skerry.environment["SKERRY_ENGINE_URL"]) as engine:
        began = time.perf_counter()
        await engine.run("bench-bare", it.images[0])
        try:
            await engine.stop("bench-bare")
            return time.perf_counter() - began
        finally:
            await engine.remove("bench-bare")


if __name__ == "__main__":
    sys.exit(main())
