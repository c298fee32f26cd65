"""What status, history, open, operations, audit, tokens and the doctor print: golden files."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from skerry.clock import SystemClock
from tests.cli.conftest import Skerry
from tests.cli.fake_server import FakeServer
from tests.cli.views import AT, operation, replica, service, status

GOLDEN = Path(__file__).parent / "golden"
HOLD = {"by": "ana", "at": AT, "reason": "deploy --image"}
HAND = {"replicas": 4, "by": "ana", "at": AT, "until": "2026-03-01T14:30:00+00:00"}
BROKEN = replica(
    "api-77-b",
    ready=False,
    failed=True,
    reason="crashed 3 times in 30s; next try in 20s",
    last_lines=["Traceback", "KeyError: 'DATABASE_URL'\x1b[2J"],
)
SERVICES = [
    service("web"),
    service("api", state="cooldown", reason="crashed 3 times in 30s", ready=0, release=7),
    service("payments/checkout", hold=HOLD, override=HAND, ready=4, desired=4),
    service("worker", url=None, release=None, since=None, state="deploying", reason="starting"),
]
API = service("api", state="cooldown", reason="crashed", ready=0, replicas=[BROKEN, replica()])
RELEASES = [
    {
        "cell": "local",
        "number": 2,
        "image": "acme/web:2",
        "by": "ci",
        "at": AT,
        "reason": "image changed",
        "verdict": "failed",
        "verdict_reason": "exited with 3",
        "current": False,
    },
    {
        "cell": "local",
        "number": 1,
        "image": "acme/web:1",
        "by": "ana",
        "at": AT,
        "reason": "it is new",
        "verdict": "deployed",
        "verdict_reason": "",
        "current": True,
    },
]
EVERY = status(*SERVICES)
ANSWERS: dict[str, Any] = {
    "/v1/status": EVERY,
    "/v1/services/default/api": API,
    "/v1/services/default/web/history": {
        "service": "web",
        "releases": RELEASES,
        "unreachable": [],
    },
    "/v1/operations": {
        "operations": [operation("failed", error="web-2 exited"), operation(id="op-0")]
    },
    "/v1/audit": {
        "entries": [
            {
                "number": 1,
                "at": AT,
                "by": "eve",
                "action": "deploy",
                "subject": "web",
                "allowed": False,
                "detail": "a viewer may not deploy",
            }
        ]
    },
    "/v1/tokens": {
        "tokens": [
            {
                "id": "t1",
                "name": "ci",
                "role": "deployer",
                "namespaces": ["shop"],
                "created": AT,
                "expires": None,
            }
        ]
    },
    "/v1/secrets": {"secrets": ["db-password", "smtp"]},
    "/v1/doctor": {
        "checks": [
            {
                "name": "engine",
                "ok": True,
                "message": "Podman 4.3.1 answers",
                "hint": "",
                "stops": True,
            },
            {
                "name": "port 80",
                "ok": False,
                "message": "port 80 is taken by nginx",
                "hint": "stop nginx, or set SKERRY_HTTP_PORT",
                "stops": True,
            },
            {
                "name": "certificates",
                "ok": False,
                "message": "this machine does not trust the gateway's",
                "hint": "skerry trust",
                "stops": False,
            },
        ]
    },
}
CASES = {
    "status": ["status"],
    "status-wide": ["status", "-o", "wide"],
    "status-one": ["status", "api"],
    "history": ["history", "web"],
    "operations": ["operations"],
    "audit": ["server", "audit"],
    "tokens": ["token", "list"],
    "secrets": ["secrets", "list"],
    "doctor": ["doctor"],
}
COMMANDS = pytest.mark.parametrize("case", CASES)


@pytest.fixture(autouse=True)
def _answers(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for path, answer in ANSWERS.items():
        fake.on("GET", path, answer)
    fake.on("GET", "/v1/status", lambda asked: status(API) if "name" in asked.query else EVERY)
    later = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
    monkeypatch.setattr(SystemClock, "now", lambda _clock: later)


@COMMANDS
def test_the_table_reads_as_it_should(
    skerry: Skerry, case: str, golden: Callable[..., None]
) -> None:
    golden(f"{case}.txt", skerry(*CASES[case]).out)


@COMMANDS
def test_json_and_yaml_are_the_view_itself(skerry: Skerry, case: str) -> None:
    command = [each for each in CASES[case] if each not in ("-o", "wide")]
    printed = json.loads(skerry(*command, "-o", "json").out)
    assert printed in ANSWERS.values()
    assert yaml.safe_load(skerry(*command, "-o", "yaml").out) == printed


def test_status_json_has_the_documented_fields(skerry: Skerry) -> None:
    printed = json.loads(skerry("status", "-o", "json").out)
    wanted = ["name", "namespace", "state", "reason", "ready", "desired", "release", "image", "url"]
    assert set(printed) == {"cell", "services", "cells"}
    assert all(field in each for each in printed["services"] for field in wanted)


def test_what_a_container_says_cannot_steer_the_terminal(skerry: Skerry) -> None:
    assert "\x1b" not in skerry("status", "api").out


def test_doctor_exits_with_1_when_something_lacks(skerry: Skerry) -> None:
    assert skerry("doctor").code == 1


def test_doctor_exits_with_0_when_it_only_warns(fake: FakeServer, skerry: Skerry) -> None:
    checks = [each for each in ANSWERS["/v1/doctor"]["checks"] if not each["stops"]]
    fake.on("GET", "/v1/doctor", {"checks": checks})
    assert skerry("doctor").code == 0


def test_doctor_without_a_server_looks_itself_and_leaves_nothing(tmp_path: Path) -> None:
    taken = {"SKERRY_SERVER", "SKERRY_TOKEN"}
    environment = {name: value for name, value in os.environ.items() if name not in taken}
    environment |= {
        "SKERRY_STATE": str(tmp_path / "state"),
        "SKERRY_ENGINE_URL": f"unix://{tmp_path}/nobody.sock",
    }
    command = [sys.executable, "-m", "skerry", "doctor", "-o", "json"]
    ended = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert ended.returncode == 1, ended.stderr
    checks = {check["name"]: check for check in json.loads(ended.stdout)["checks"]}
    assert (checks["server"]["ok"], checks["server"]["stops"]) == (False, False)
    assert "nothing answers there" in checks["container engine"]["message"]
    assert checks["envoy"]["ok"]
    assert checks["state folder"]["message"] == f"{tmp_path}/state will be made"
    assert not list(tmp_path.iterdir())


def test_open_prints_the_url_alone(fake: FakeServer, skerry: Skerry) -> None:
    fake.on("GET", "/v1/services/default/web", service("web"))
    assert skerry("open", "web").out == "https://web.localhost\n"


def test_open_of_a_worker_says_why_there_is_no_url(fake: FakeServer, skerry: Skerry) -> None:
    fake.on("GET", "/v1/services/default/worker", service("worker", url=None))
    ended = skerry("open", "worker")
    assert ended.code == 1
    assert "has no URL" in ended.err


def test_an_empty_cell_says_what_to_do(fake: FakeServer, skerry: Skerry) -> None:
    fake.on("GET", "/v1/status", status())
    assert "skerry init" in skerry("status").out
