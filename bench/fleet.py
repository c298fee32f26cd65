"""40 services of 2 replicas from nothing to all ready, then at rest: `python -m bench.fleet`.

Beside it, in the same run: the same 80 containers created, started and waited for in
parallel straight on the engine's API. Then the server's CPU and memory with all 80 at rest,
and `skerry status` over them. Targets: 1.5x; under 2% of a core and 150 MB; 300 ms.
"""

import asyncio
import os
import statistics
import sys
import time
from pathlib import Path

from bench.bare import Bare
from bench.machine import Bench, bench, describe

SERVICES = 40
REPLICAS = 2
REST_SECONDS = 60
PARALLEL = 8

DOCUMENT = """\
service: service-{number}
image: {image}
health: {{path: /healthz}}
scale: {{min: 2}}
drain: 1s
"""


def main() -> int:
    """Print the figures; 1 when a target is missed."""
    print(f"{SERVICES} services x {REPLICAS} replicas ({describe()})")
    with bench() as it:
        bare = asyncio.run(straight(it))
        it.skerry.write(
            "---\n".join(
                DOCUMENT.format(number=number, image=it.images[0]) for number in range(SERVICES)
            )
        )
        it.skerry.start_server()
        began = time.perf_counter()
        it.skerry.skerry("up", ".", timeout=300)
        ours = time.perf_counter() - began
        status = statistics.median(timed_status(it) for _ in range(9))
        pid = it.skerry.server_pid()
        time.sleep(10)
        before = cpu_seconds(pid)
        time.sleep(REST_SECONDS)
        share = (cpu_seconds(pid) - before) / REST_SECONDS
        memory = memory_megabytes(pid)
    print(f"  the engine's own, in parallel  {bare:6.2f} s")
    print(f"  skerry up                      {ours:6.2f} s  {ours / bare:4.2f}x (target 1.5x)")
    print(f"  server at rest                 {share:6.1%} of a core (target 2%)")
    print(f"                                 {memory:6.0f} MB (target 150 MB)")
    print(f"  skerry status                  {status * 1000:6.0f} ms (target 300 ms)")
    return int(ours > 1.5 * bare or share > 0.02 or memory > 150 or status > 0.3)


def timed_status(it: Bench) -> float:
    """Seconds of one `skerry status`."""
    began = time.perf_counter()
    it.skerry.skerry("status", env={"PYTHONDONTWRITEBYTECODE": ""})
    return time.perf_counter() - began


async def straight(it: Bench) -> float:
    """Seconds until all containers accept connections, on the engine's API alone."""
    names = [f"bench-bare-{number}" for number in range(SERVICES * REPLICAS)]
    places = asyncio.Semaphore(PARALLEL)
    async with Bare(it.skerry.environment["SKERRY_ENGINE_URL"]) as engine:

        async def one(name: str) -> None:
            async with places:
                await engine.run(name, it.images[0])
            await engine.ready(name)

        began = time.perf_counter()
        try:
            await asyncio.gather(*map(one, names))
            return time.perf_counter() - began
        finally:
            for name in names:
                await engine.remove(name)


def cpu_seconds(pid: int) -> float:
    """CPU a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_megabytes(pid: int) -> float:
    """Memory of a process, shared pages counted by their share."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1000
    return 0.0


if __name__ == "__main__":
    sys.exit(main())
