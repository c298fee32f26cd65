"""A repository of tenants for one cluster, and the command line on it."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.kubernetes.place import CELL, cell_document
from tests.cluster.cluster import TestCluster

NAME = "fleet"
HEAD = """\
stack: eu-customers
cells: [eu-1]
residency: [DE]
template:
  image: "acme/app:{version}"
  port: none
  scale: {min: 0}
  env: {DATABASE_URL: "postgres://{db}/{tenant}"}
values: {db: eu-db-1, version: 5.2.1}
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """One command: seconds, seconds of CPU, megabytes at most, what it printed."""

    seconds: float
    cpu: float
    megabytes: float
    printed: str


@dataclass(slots=True)
class Shop:
    """`count` tenants, in a file and, the same, split over `files`. Both folders are one
    repository by name, so either may be applied."""

    folder: Path
    cluster: TestCluster
    count: int
    files: int = 100
    versions: int = 0
    kubeconfig: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        # A file of its own, so that it may lead through a proxy and the documents stay.
        self.kubeconfig = self.folder / "kubeconfig"
        self.lead_to(self.cluster.kubeconfig)
        for repository, files in ((self.one, 1), (self.split, self.files)):
            repository.mkdir(parents=True)
            (repository / "cell.yaml").write_text(cell_document(self.kubeconfig, name=CELL))
            (repository / "skerry.yaml").write_text("version: 1\n")
            size = -(-self.count // files)
            for at in range(files):
                numbers = range(at * size, min(self.count, (at + 1) * size))
                lines = "".join(_line(number) for number in numbers)
                head = HEAD if at == 0 else "stack: eu-customers\n"
                (repository / f"tenants-{at:03d}.yaml").write_text(f"{head}tenants:\n{lines}")

    @property
    def one(self) -> Path:
        """All tenants in one file."""
        return self.folder / "one" / NAME

    @property
    def split(self) -> Path:
        """The same, in many."""
        return self.folder / "many" / NAME

    def lead_to(self, kubeconfig: Path) -> None:
        """Where the cell's kubeconfig leads from now on."""
        self.kubeconfig.write_text(kubeconfig.read_text())

    def change(self) -> tuple[str, str]:
        """Another version for one tenant, in both; the tenant, and its image from now on."""
        self.versions += 1
        # Its neighbours in turn: none is changed while it may still be on its way.
        number = self.versions % 9 + 2
        name = f"customer-{number:05d}"
        version = f"6.0.{self.versions}"
        for repository, files in ((self.one, 1), (self.split, self.files)):
            file = repository / f"tenants-{number // -(-self.count // files):03d}.yaml"
            lines = file.read_text().splitlines(keepends=True)
            at = next(at for at, line in enumerate(lines) if line.startswith(f"  {name}:"))
            lines[at] = f"  {name}: {{version: {version}}}\n"
            file.write_text("".join(lines))
        return name, f"acme/app:{version}"

    def skerry(self, *arguments: str) -> Ran:
        """A command on the cell."""
        return run(*arguments, state=self.folder / "state")


def run(*arguments: str, state: Path, status: int = 0) -> Ran:
    """`skerry`, without a server, in a process of its own, as a person has it: modules are kept
    compiled. Raises RuntimeError when it does not end with that status."""
    without = {"SKERRY_SERVER", "SKERRY_TOKEN", "PYTHONDONTWRITEBYTECODE"}
    environment = {name: value for name, value in os.environ.items() if name not in without}
    compiled, said = state.with_suffix(".compiled"), state.with_suffix(".said")
    environment |= {"SKERRY_STATE": str(state), "PYTHONPYCACHEPREFIX": str(compiled)}
    began = time.perf_counter()
    with said.open("wb") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "skerry", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    assert child.stdout is not None
    printed = child.stdout.read().decode()
    _, ended, used = os.wait4(child.pid, 0)
    took = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(ended)
    if child.returncode != status:
        words = said.read_text()[-3000:]
        raise RuntimeError(f"skerry {' '.join(arguments)}: {child.returncode}\n{words}")
    return Ran(took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000, printed)


def _line(number: int) -> str:
    """A tenant: most are as their stack, some are not."""
    name = f"customer-{number:05d}"
    if number % 20 == 0:
        return f"  {name}: {{version: 5.3.0, env: {{PLAN: large}}}}\n"
    if number % 10 == 1:
        return f"  {name}: {{env: {{LICENSE: key-{number}}}}}\n"
    return f"  {name}: {{}}\n"
