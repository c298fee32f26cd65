"""10,000 services with ten keys each, from text to plan: `python -m bench.whole`.

Load, validate, compile and plan against the memory engine, as the server does: cold, and
with one changed document. Targets: 5 s, 1 s, 500 MB. Parts are in `bench.load`, `bench.plan`.
"""

import asyncio
import gc
import resource
import sys
import time

from bench.load import COUNT, documents, one_file
from bench.machine import describe
from bench.plan import Figures, planned
from skerry.clock import SystemClock
from skerry.engines.memory.engine import MemoryEngine
from skerry.model.cell import LOCAL
from skerry.spec.load import Loader

COLD, CHANGED, MEGABYTES = 5.0, 1.0, 500.0


async def measure() -> tuple[float, float, float]:
    """Seconds cold, seconds with one document changed, megabytes at most."""
    gc.set_threshold(100_000, 50, 100)  # as the server does
    texts = documents()
    engine, loader = MemoryEngine(LOCAL, SystemClock()), Loader()
    began = time.perf_counter()
    first = await planned(loader.load(one_file(texts)), engine, Figures())
    cold = time.perf_counter() - began
    assert len(first.changes) == COUNT
    for change in first.changes:
        await engine.apply(change)
    del first, change
    texts[COUNT // 2] = texts[COUNT // 2].replace("LOG_LEVEL: info", "LOG_LEVEL: debug")
    began = time.perf_counter()
    again = await planned(loader.load(one_file(texts)), engine, Figures())
    changed = time.perf_counter() - began
    assert len(again.changes) == 1
    return cold, changed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Print the figures; 1 when a target is missed."""
    print(f"{COUNT} services, from text to plan ({describe()})")
    cold, changed, megabytes = asyncio.run(measure())
    print(f"  cold                 {cold:6.2f} s   (target {COLD:g} s)")
    print(f"  one document changed {changed:6.2f} s   (target {CHANGED:g} s)")
    print(f"  memory at most       {megabytes:6.0f} MB  (target {MEGABYTES:g} MB)")
    return int(cold > COLD or changed > CHANGED or megabytes > MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
