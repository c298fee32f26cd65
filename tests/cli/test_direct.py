"""Without a server: the command line on a real control plane, a process each time."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.cluster import TestCluster

pytestmark = pytest.mark.cluster


@dataclass
class Shop:
    """A repository of two services for one cluster, a state folder, and `skerry` in it."""

    folder: Path
    state: Path
    team: str
    cell: str

    def write(self, *, web: str = "web:1", more: str = "") -> None:
        (self.folder / "web.yaml").write_text(
            f"service: web\nteam: {self.team}\nimage: {web}\ndepends: [api]\n{more}"
            f"---\nservice: api\nteam: {self.team}\nimage: api:1\n"
        )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "skerry", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        taken = {"SKERRY_SERVER", "SKERRY_TOKEN"}
        kept = {name: value for name, value in os.environ.items() if name not in taken}
        return {**kept, "SKERRY_STATE": str(self.state), "SHOP_PASSWORD": "pl4nted"}

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        ended = self.run(*arguments, "-o", "json")
        return json.loads(ended.stdout)

    def named(self, bare: str) -> str:
        return f"{self.team}/{bare}"

    def images(self) -> dict[str, tuple[str, str]]:
        found = self.json("status")["services"]
        return {
            each["name"]: (each["image"], each["state"])
            for each in found
            if each["namespace"] == self.team
        }

    def verdicts(self, name: str) -> list[tuple[int, str]]:
        found = self.json("history", self.named(name))["releases"]
        return [(each["number"], each["verdict"]) for each in found]


@pytest.fixture
def shop(cluster: TestCluster, tmp_path: Path) -> Iterator[Shop]:
    mark = os.urandom(3).hex()
    here = Shop(tmp_path / f"shop-{mark}", tmp_path / "state", f"team-{mark}", f"cell-{mark}")
    here.folder.mkdir()
    (here.folder / "cell.yaml").write_text(
        f"cell: {here.cell}\nengine: kubernetes\nkubeconfig: {cluster.kubeconfig}\nroutes: none\n"
    )
    here.write()
    yield here
    here.run("down", str(here.folder))


def test_a_life_without_a_server(shop: Shop) -> None:
    folder = str(shop.folder)
    assert shop.run("plan", folder, "--exit-code").returncode == 3
    up = shop.run("up", folder)
    assert up.returncode == 0, up.stderr
    assert "starting the server" not in up.stderr
    assert not (shop.state / "server.json").exists()
    assert shop.images() == {"web": ("web:1", "running"), "api": ("api:1", "running")}
    assert shop.json("plan", folder)["plans"][0]["changes"] == []
    deployed = shop.run("deploy", shop.named("web"), "--image", "web:2")
    assert deployed.returncode == 0, deployed.stderr
    assert shop.run("rollback", shop.named("web")).returncode == 0
    assert shop.images()["web"] == ("web:1", "running")
    assert shop.verdicts("web") == [(3, "deployed"), (2, "deployed"), (1, "deployed")]
    (cell,) = shop.json("cells")["cells"]
    assert (cell["cell"], cell["reachable"]) == (shop.cell, True)
    assert shop.run("exec", shop.named("web"), "--", "true").returncode == 0
    down = shop.run("down", folder)
    assert down.returncode == 0, down.stderr
    assert shop.images() == {}


def test_a_dead_cell_is_named_and_the_other_is_done(shop: Shop, cluster: TestCluster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    kubeconfig = cluster.kubeconfig_to(f"http://127.0.0.1:{port}", name="dead")
    (shop.folder / "dead.yaml").write_text(
        f"cell: dead-1\nengine: kubernetes\nkubeconfig: {kubeconfig}\nroutes: none\n"
    )
    ended = shop.run("apply", str(shop.folder), "--yes", "-o", "json")
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout, ended.stderr
    result = json.loads(ended.stdout)
    assert [each["cell"] for each in result["operations"]] == [shop.cell]
    assert [each["state"] for each in result["operations"]] == ["done"]
    assert [each["cell"] for each in result["unreachable"]] == ["dead-1"]
    assert f"done in {shop.cell}; failed in dead-1" in ended.stderr
    narrowed = shop.run("apply", str(shop.folder), "--yes", "--cell", shop.cell)
    assert narrowed.returncode == 0, narrowed.stderr


def test_what_is_not_waited_for_is_settled_by_the_next_apply(shop: Shop) -> None:
    folder = str(shop.folder)
    shop.run("apply", folder, "--yes")
    shop.write(web="fault/exits:1")
    left = shop.run("apply", folder, "--yes", "--no-wait")
    assert left.returncode == 0, left.stderr
    assert "is applied, and not waited for" in left.stderr
    assert shop.verdicts("web")[0] == (2, "deploying")
    (plan,) = shop.json("plan", folder)["plans"]
    assert [each["action"] for each in plan["changes"]] == ["settle"]
    settled = shop.run("apply", folder, "--yes")
    assert settled.returncode == 1
    assert "bringing back release 1" in settled.stderr
    assert shop.verdicts("web")[0] == (2, "failed")
    assert shop.images()["web"] == ("web:1", "running")


def test_what_was_interrupted_is_finished_by_the_next_apply(shop: Shop) -> None:
    folder = str(shop.folder)
    shop.run("apply", folder, "--yes")
    shop.write(web="web:2")
    process = subprocess.Popen(
        shop.command("apply", folder, "--yes"),
        env=shop.environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "web applying" in line:
            break
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(20) == 130
    assert "run the same command again" in said
    began = time.monotonic()
    again = shop.run("apply", folder, "--yes")
    assert again.returncode == 0, again.stderr
    assert time.monotonic() - began < 15  # the lease was given up, not waited for
    assert shop.images()["web"] == ("web:2", "running")
    assert "deploying" not in {verdict for _, verdict in shop.verdicts("web")}
    assert shop.json("plan", folder)["plans"][0]["changes"] == []


def test_a_secret_of_the_environment_reaches_the_cell_and_nothing_else(
    shop: Shop, cluster: TestCluster
) -> None:
    folder = str(shop.folder)
    shop.write(more="secrets: {PASSWORD: env:SHOP_PASSWORD}\n")
    applied = shop.run("apply", folder, "--yes")
    assert applied.returncode == 0, applied.stderr
    assert "pl4nted" not in applied.stderr + applied.stdout
    assert shop.json("plan", folder)["plans"][0]["changes"] == []
    shop.write(more="secrets: {PASSWORD: env:NOWHERE}\n")
    missing = shop.run("plan", folder)
    assert missing.returncode == 1
    assert "export NOWHERE=..." in missing.stderr


def test_what_needs_a_later_act_or_a_machine_is_refused_with_the_reason(shop: Shop) -> None:
    shop.run("apply", str(shop.folder), "--yes")
    timed = shop.run("scale", shop.named("web"), "2", "--for", "5m")
    assert timed.returncode == 1
    assert "no server would take it back" in timed.stderr
    detached = shop.run("restart", shop.named("web"), "--detach")
    assert detached.returncode == 1
    assert "no server would carry it on" in detached.stderr
    tokens = shop.run("token", "list")
    assert tokens.returncode == 1
    assert "is for a server, and none runs" in tokens.stderr


def test_nothing_of_a_server_is_imported(shop: Shop) -> None:
    program = (
        "import sys\n"
        "from skerry.main import main\n"
        f"sys.argv = ['skerry', 'plan', {str(shop.folder)!r}, '-o', 'json']\n"
        "code = main()\n"
        "heavy = {'fastapi', 'uvicorn', 'sqlalchemy', 'alembic', 'aiodocker', 'starlette'}\n"
        "print(code, sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=shop.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stderr.splitlines()[-1] == "0 []"
