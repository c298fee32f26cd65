"""Figures beside their targets, and whether all are met."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path


class Figures:
    """Prints each as it is found; `missed` are those that are not as they should be."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def note(self, name: str, value: str) -> None:
        """One without a target."""
        sys.stdout.write(f"  {name:<58} {value}\n")
        sys.stdout.flush()

    def most(self, name: str, value: float, target: float, unit: str = "") -> None:
        """One that should be below its target."""
        self._judge(name, value, f"under {target:g}{unit}", unit, met=value < target)

    def least(self, name: str, value: float, target: float, unit: str = "x") -> None:
        """One that should reach its target."""
        self._judge(name, value, f"at least {target:g}{unit}", unit, met=value >= target)

    def _judge(self, name: str, value: float, target: str, unit: str, *, met: bool) -> None:
        if not met:
            self.missed.append(name)
        verdict = "met" if met else "MISSED"
        self.note(name, f"{value:8.2f}{unit:<3} target {target:<16} {verdict}")

    def end(self) -> int:
        """What a bench exits with."""
        return int(bool(self.missed))


def load() -> str:
    """How busy the machine is with everything on it."""
    return f"load {os.getloadavg()[0]:.1f}"


def cpu_seconds(pid: int) -> float:
    """CPU a process has used, its threads' and its own."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int, what: str = "Pss") -> float:
    """Memory of a process now (Pss), or the most it ever had (VmHWM)."""
    file = "smaps_rollup" if what == "Pss" else "status"
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1000
    return 0.0


def wait_for(condition: Callable[[], bool], *, seconds: float, every: float = 0.05) -> float:
    """Until it holds; the seconds that took. Raises TimeoutError."""
    began = time.perf_counter()
    while not condition():
        if time.perf_counter() - began > seconds:
            raise TimeoutError("what was waited for did not come")
        time.sleep(every)
    return time.perf_counter() - began
