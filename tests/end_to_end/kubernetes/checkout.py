"""A repository's folder, a state folder, and `skerry` in it, without a server: a process for
each command, as a pipeline runs it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TAKEN = {"SKERRY_SERVER", "SKERRY_TOKEN", "KUBECONFIG"}
Ended = subprocess.CompletedProcess[str]


@dataclass
class Checkout:
    """`mark` is part of every name of this test's own, for the cluster is shared."""

    folder: Path
    state: Path
    mark: str
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def team(self) -> str:
        """Its services' team, and so their namespace."""
        return f"team-{self.mark}"

    def cell(self, name: str, kubeconfig: Path, *, file: str = "", more: str = "") -> str:
        """Declare a cell; gives its name."""
        cell = f"{name}-{self.mark}"
        text = f"cell: {cell}\nengine: kubernetes\nkubeconfig: {kubeconfig}\n{more}"
        if "routes:" not in more and "gateway:" not in more:
            text += "routes: none\n"
        self.write(file or f"{name}.yaml", text)
        return cell

    def write(self, file: str, text: str) -> None:
        """A file of the repository."""
        (self.folder / file).write_text(text)

    def services(self, count: int, *, image: str = "web:1", more: str = "") -> None:
        """So many services of the team's, named `s0` and so on, in one file."""
        documents = (
            f"service: s{number}\nteam: {self.team}\nimage: {image}\n{more}"
            for number in range(count)
        )
        self.write("services.yaml", "---\n".join(documents))

    def skerry(self, *arguments: str, seconds: float = 90) -> Ended:
        """One command, to its end."""
        return subprocess.run(
            [sys.executable, "-m", "skerry", *arguments],
            env=self._environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """One command, under way; its errors are the caller's to read."""
        return subprocess.Popen(
            [sys.executable, "-m", "skerry", *arguments],
            env=self._environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def apply(self, *arguments: str, code: int = 0, seconds: float = 90) -> Ended:
        """`skerry apply`, ended with this code."""
        ended = self.skerry("apply", str(self.folder), "--yes", *arguments, seconds=seconds)
        assert ended.returncode == code, ended.stderr
        return ended

    def json(self, *arguments: str) -> Any:
        """What a command answers to programs."""
        ended = self.skerry(*arguments, "-o", "json")
        assert ended.stdout, ended.stderr
        return json.loads(ended.stdout)

    def changes(self) -> list[tuple[str, str]]:
        """What a plan would do: service and action, of every cell."""
        plans = self.json("plan", str(self.folder))["plans"]
        return [(each["service"], each["action"]) for plan in plans for each in plan["changes"]]

    def _environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in TAKEN}
        return {**kept, "SKERRY_STATE": str(self.state), **self.environ}


def new_checkout(folder: Path) -> Checkout:
    """An empty one."""
    mark = os.urandom(3).hex()
    made = Checkout(folder / f"shop-{mark}", folder / f"state-{mark}", mark)
    made.folder.mkdir()
    return made
