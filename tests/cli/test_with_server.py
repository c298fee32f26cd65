"""The command line and the real server, over the memory engine: they speak the same."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.cli.launch import wait_until_gone
from skerry.cli.target import read_record

WEB = "service: web\nimage: acme/web:1\n---\nservice: worker\nimage: acme/worker:1\nport: none\n"


class Machine:
    """A state folder with its server."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.repository = folder / "shop"
        self.repository.mkdir()
        self.write(WEB)
        taken = ("SKERRY_SERVER", "SKERRY_TOKEN")
        self.environment = {k: v for k, v in os.environ.items() if k not in taken}
        self.environment["SKERRY_STATE"] = str(self.state)

    def write(self, text: str) -> None:
        (self.repository / "shop.yaml").write_text(text)

    def skerry(self, *arguments: str, code: int = 0, given: str = "") -> str:
        """Standard output of a command that ends with this code."""
        ended = subprocess.run(
            [sys.executable, "-m", "skerry", *arguments],
            env=self.environment,
            cwd=self.repository,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ended.returncode == code, f"{arguments}: {ended.stdout}{ended.stderr}"
        self.said = ended.stderr
        return ended.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.skerry(*arguments, "-o", "json"))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    log = (tmp_path / "log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.cli.memory_server", str(made.state)],
        stdout=log,
        stderr=log,
        cwd=Path(__file__).parent.parent.parent,
    )
    deadline = time.monotonic() + 20
    while read_record(made.state) is None:
        assert server.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
        time.sleep(0.02)
    yield made
    server.terminate()
    server.wait(20)
    log.close()


def test_from_two_documents_to_down(machine: Machine) -> None:
    up = machine.json("up")
    assert up["operation"]["state"] == "done"
    assert {each["state"] for each in up["services"]} == {"running"}
    assert "next: " not in machine.said

    assert machine.json("up")["operation"] is None
    machine.skerry("plan", "--exit-code")
    machine.write(WEB.replace("acme/web:1", "acme/web:2"))
    machine.skerry("plan", "--exit-code", code=3)
    assert "Deployment" in machine.skerry("plan", "-o", "yaml")
    machine.skerry("apply", "--yes")

    assert [each["number"] for each in machine.json("history", "web")["releases"]] == [2, 1]
    machine.skerry("rollback", "web")
    held = machine.json("status", "web")
    assert (held["image"], bool(held["hold"])) == ("acme/web:1", True)
    assert "held" in machine.skerry("plan")
    machine.skerry("unhold", "web")
    machine.skerry("deploy", "web", "--image", "acme/web:3")
    assert machine.json("status", "web")["image"] == "acme/web:3"

    machine.skerry("scale", "web", "3", "--for", "30m")
    assert machine.json("status", "web")["ready"] == 3
    machine.skerry("scale", "web", "auto")
    machine.skerry("restart", "worker")
    assert machine.skerry("open", "web").startswith("http")
    machine.skerry("logs", "web", "worker", "--tail", "1")
    assert len(machine.json("operations")["operations"]) > 5

    pid = read_record(machine.state)["pid"]  # type: ignore[index]
    machine.skerry("down")
    assert "stays: " in machine.said
    assert wait_until_gone(pid)
    machine.skerry("status", code=1)


def test_errors_of_the_real_server_name_what_helps(machine: Machine) -> None:
    machine.write("service: web\nimage: a\nprot: 80\n")
    machine.skerry("plan", code=1)
    assert "shop.yaml:3: " in machine.said
    machine.write(WEB)
    machine.skerry("up")
    machine.skerry("restart", "wep", code=1)
    assert "did you mean web?" in machine.said
    machine.skerry("rollback", "web", code=1)
    assert "try: " in machine.said
    machine.skerry("rollback", "web", "--to", "99", code=1)
    assert "did you mean" not in machine.said


def test_tokens_secrets_and_the_audit(machine: Machine) -> None:
    token = machine.skerry("token", "create", "ci", "--expires", "1h").strip()
    machine.environment["SKERRY_TOKEN"] = token
    machine.skerry("secrets", "set", "db", given="hunter2\n", code=1)
    assert "error: " in machine.said
    del machine.environment["SKERRY_TOKEN"]
    machine.skerry("secrets", "set", "db", given="hunter2\n")
    assert machine.json("secrets", "list") == {"secrets": ["db"]}
    machine.skerry("secrets", "delete", "db")
    machine.skerry("token", "revoke", "ci")
    entries = machine.json("server", "audit")["entries"]
    assert {each["allowed"] for each in entries} == {True, False}
    assert "hunter2" not in json.dumps(entries)


def test_a_process_is_attached_to(machine: Machine) -> None:
    machine.skerry("up")
    assert machine.skerry("exec", "web", "--", "echo", "hello") == "hello\n"
    assert machine.skerry("run", "-i", "web", "--", "cat", given="typed") == "typed"
    machine.skerry("exec", "web", "--", "no-such-command", code=127)
