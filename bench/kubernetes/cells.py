"""Eight cells, one of them dead and one slow: what that costs the other six.

    .venv/bin/python -m bench.kubernetes.cells [SERVICES]

Seven control planes of their own, without controllers; the dead cell is a port where nobody
listens, and before the slow one a proxy answers everything two seconds late. 700 services, each
in one of the eight cells, all with a new version in each turn: `skerry apply --yes` of the six
good cells (`--cell`), then of all eight. Counted is, from the start of the command, when the
operation of each of the six had ended. Services have no replicas, so that what is applied is up.

All seven share the cores of one machine, so what the slow cell's API server and the proxy
use, the others go without.
"""

import contextlib
import json
import logging
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from statistics import median

from bench.kubernetes.figures import Figures, load
from bench.kubernetes.place import cell_document
from bench.kubernetes.shop import run
from bench.machine import describe
from tests.cluster.cluster import TestCluster, private_cluster
from tests.cluster.plane import free_ports
from tests.cluster.proxy import Faults, fault_proxy

SERVICES = 700
TURNS = 3
GOOD = tuple(f"good-{number}" for number in range(1, 7))
SLOW, DEAD = "slow-1", "dead-1"
SLOW_SECONDS = 2.0
WITHIN = 1.1
SERVICE = """\
service: service-{number}
team: team-{number}
cells: [{cell}]
image: ghcr.io/acme/hello:{version}
port: none
scale: {{min: 0}}
env: {{LOG_LEVEL: info, REGION: eu}}
"""


def write(folder: Path, kubeconfigs: dict[str, Path], *, services: int, version: int) -> None:
    """The repository, at a version."""
    folder.mkdir(exist_ok=True)
    cells = [cell_document(file, name=name) for name, file in kubeconfigs.items()]
    (folder / "cells.yaml").write_text("---\n".join(cells))
    names = [*kubeconfigs]
    texts = [
        SERVICE.format(number=number, cell=names[number % len(names)], version=version)
        for number in range(services)
    ]
    (folder / "services.yaml").write_text("---\n".join(texts))


def applied(folder: Path, state: Path, *, all_cells: bool) -> list[float]:
    """Seconds until each good cell was done."""
    only = [] if all_cells else [part for name in GOOD for part in ("--cell", name)]
    began = time.time()
    ran = run(
        "apply", str(folder), "--yes", "-o", "json", *only, state=state, status=int(all_cells)
    )
    result = json.loads(ran.printed)
    ends = {
        each["cell"]: datetime.fromisoformat(each["ended"]).timestamp() - began
        for each in result["operations"]
        if each["state"] == "done"
    }
    failed = {each["cell"] for each in result["unreachable"]}
    assert failed == ({DEAD} if all_cells else set()), failed
    return [ends[name] for name in GOOD]


def measure(clusters: dict[str, TestCluster], folder: Path, *, services: int) -> Figures:
    """In turns, without the bad two and with them."""
    figures = Figures()
    dead = f"http://127.0.0.1:{free_ports(1)[0]}"
    last: dict[bool, list[float]] = {False: [], True: []}
    with fault_proxy(clusters[SLOW]) as proxy:
        kubeconfigs = {name: each.kubeconfig for name, each in clusters.items()}
        kubeconfigs[SLOW] = proxy.kubeconfig
        kubeconfigs[DEAD] = clusters[GOOD[0]].kubeconfig_to(dead, name=DEAD)
        state = folder / "state"
        version = 0
        for turn in range(TURNS + 1):
            for all_cells in (False, True) if turn % 2 else (True, False):
                version += 1
                write(folder / "fleet", kubeconfigs, services=services, version=version)
                # The first turn makes everything, and is not counted.
                proxy.faults = Faults(slow=SLOW_SECONDS if turn else 0.0)
                ends = applied(folder / "fleet", state, all_cells=all_cells)
                if turn:
                    last[all_cells].append(max(ends))
                    said = " ".join(f"{each:.1f}" for each in sorted(ends))
                    name = "eight cells, two of them bad" if all_cells else "six cells"
                    figures.note(name, f"{said} s ({load()})")
    times = median(last[True]) / median(last[False])
    figures.most("six beside a dead and a slow one, until the last is done", times, WITHIN, "x")
    return figures


def main() -> int:
    """Print the figures; 1 when one is missed."""
    logging.disable(logging.CRITICAL)  # the proxy has a word for each cut connection
    services = int(sys.argv[1]) if len(sys.argv) > 1 else SERVICES
    print(f"8 cells, {services} services ({describe()}, {load()})")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as opened:
        clusters = {
            name: opened.enter_context(private_cluster(pods=False, controllers=False))
            for name in (*GOOD, SLOW)
        }
        figures = measure(clusters, Path(folder), services=services)
    print(f"  {load()} at the end")
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
