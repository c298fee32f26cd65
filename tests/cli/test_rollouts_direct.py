"""A roll-out carried by the command itself, without a server: killed, and gone on with."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.clock import SystemClock
from skerry.engines.kubernetes.client.client import open_client
from skerry.engines.kubernetes.client.credentials import find_access
from skerry.model.keys import ObjectKey
from tests.cluster.cluster import TestCluster

pytestmark = pytest.mark.cluster

NAMES = ("a", "b", "c", "d")
STACK = """
stack: {stack}
template: {{image: "registry.test/app:{{version}}", port: none}}
values: {{version: "1"}}
tenants: {{a: {{}}, b: {{}}, c: {{}}, d: {{}}}}
---
cell: eu-1
engine: kubernetes
kubeconfig: {kubeconfig}
domain: eu.test
routes: none
"""


class Laptop:
    """A folder with a stack, and `skerry` in it; no server anywhere."""

    def __init__(self, folder: Path, kubeconfig: Path, stack: str) -> None:
        self.folder = folder
        self.stack = stack
        (folder / "shop").mkdir()
        text = STACK.format(stack=stack, kubeconfig=kubeconfig)
        (folder / "shop" / "stack.yaml").write_text(text)
        taken = ("SKERRY_SERVER", "SKERRY_TOKEN")
        self.environment = {k: v for k, v in os.environ.items() if k not in taken}
        self.environment["SKERRY_STATE"] = str(folder / "state")

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "skerry", *arguments],
            env=self.environment,
            cwd=self.folder / "shop",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def skerry(self, *arguments: str, code: int = 0) -> str:
        process = self.begin(*arguments)
        out, said = process.communicate(timeout=90)
        assert process.returncode == code, f"{arguments}: {out}{said}"
        self.said = said
        return out

    def rollout(self) -> Any:
        found = json.loads(self.skerry("rollouts", self.stack, "-o", "json"))["rollouts"]
        return found[0] if found else None


@pytest.fixture
def laptop(cluster: TestCluster, tmp_path: Path) -> Iterator[Laptop]:
    made = Laptop(tmp_path, cluster.kubeconfig, f"d{os.urandom(3).hex()}")
    made.skerry("deploy")
    yield made
    _remove(cluster, made.stack)


def _remove(cluster: TestCluster, stack: str) -> None:
    import asyncio

    async def remove() -> None:
        client = open_client(find_access(None, str(cluster.kubeconfig), {}), SystemClock())
        for name in NAMES:
            await client.delete(ObjectKey("Namespace", "", f"{stack}-{name}"))
        await client.close()

    asyncio.run(remove())


def test_a_command_killed_in_the_bake_is_gone_on_with_by_the_next(laptop: Laptop) -> None:
    version = ("--version", "2", "--waves", "1,100%", "--bake", "8s")
    carrying = laptop.begin("deploy", laptop.stack, *version)
    assert carrying.stderr is not None
    for line in carrying.stderr:
        if "watched for another" in line:
            break
    carrying.send_signal(signal.SIGKILL)
    carrying.communicate()
    left = laptop.rollout()
    assert (left["state"], left["wave"], left["finished"]) == ("running", 0, 1)
    began = time.monotonic()
    out = laptop.skerry("resume", laptop.stack)
    assert "done" in out and "4/4" in out, laptop.said
    assert time.monotonic() - began < 60
    out = laptop.skerry("rollback", laptop.stack)
    assert "back from 2" in out


def test_without_a_server_a_roll_out_is_not_left_to_nobody(laptop: Laptop) -> None:
    laptop.skerry("deploy", laptop.stack, "--version", "2", "--detach", code=1)
    assert "no server would carry it on" in laptop.said
    assert laptop.rollout() is None
