"""Several cells on the command line: told apart, and what failed named at the end."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Skerry
from tests.cli.fake_server import FakeServer, Stream
from tests.cli.views import (
    AT,
    DONE,
    applied,
    change,
    failure,
    operation,
    plan,
    plans,
    progress,
    service,
    started,
    status,
)

CELL = {
    "cell": "eu-1",
    "engine": "kubernetes",
    "version": "Kubernetes 1.36",
    "region": "eu-central-1",
    "country": "DE",
    "domain": "eu.acme.dev",
    "reachable": True,
    "reason": "",
    "machines": 3,
    "cpu_millicores": 12000,
    "memory_bytes": 48 << 30,
    "services": 2,
    "pods": 5,
    "problems": [],
}
UNTOLD = ("version", "machines", "cpu_millicores", "memory_bytes", "services", "pods")
WHY = "cell/ap-1: did not answer"
SILENT = {**CELL, **dict.fromkeys(UNTOLD), "cell": "ap-1", "reachable": False, "reason": WHY}


def ended(cell: str, state: str = "done") -> tuple[str, object]:
    view = operation(state, id=f"op-{cell}", cell=cell, error="it crashed")
    return "end", {"operation": view, "failure": None}


@pytest.fixture
def shop(tmp_path: Path) -> str:
    (tmp_path / "web.yaml").write_text("service: web\nimage: web:1\n")
    return str(tmp_path)


@pytest.fixture(autouse=True)
def _two_cells(fake: FakeServer) -> None:
    made = [plan(change("web"), cell="eu-1"), plan(change("web"), cell="us-1")]
    fake.on("POST", "/v1/plan", plans(*made))
    both = [operation(id=f"op-{cell}", cell=cell) for cell in ("eu-1", "us-1")]
    fake.on("POST", "/v1/apply", applied(made, *both))
    fake.on("POST", "/v1/services/default/web/restart", started(*both))
    for cell in ("eu-1", "us-1"):
        waits = progress("waiting", "1 of 2 replicas ready")
        fake.on("GET", f"/v1/operations/op-{cell}/events", Stream([waits, ended(cell)]))
    found = [service("web", cell=cell, url=f"https://web.{cell}.dev") for cell in ("eu-1", "us-1")]
    fake.on("GET", "/v1/status", status(*found))


def test_progress_and_result_say_the_cell(fake: FakeServer, skerry: Skerry, shop: str) -> None:
    end = skerry("deploy", shop)
    assert end.code == 0, end.err
    said = end.err.splitlines()
    assert "eu-1  web waiting: 1 of 2 replicas ready" in said
    assert "us-1  web waiting: 1 of 2 replicas ready" in said
    assert end.out.splitlines() == [
        "  eu-1  web  running    https://web.eu-1.dev",
        "  us-1  web  running    https://web.us-1.dev",
    ]


def test_a_cell_that_does_not_answer_is_named_after_the_others_are_done(
    fake: FakeServer, skerry: Skerry, shop: str
) -> None:
    made = [plan(change("web"), cell="eu-1")]
    begun = operation(id="op-eu-1", cell="eu-1")
    bad = [failure("ap-1", "connection refused")]
    fake.on("POST", "/v1/apply", applied(made, begun, unreachable=bad))
    end = skerry("apply", shop, "--yes", "-o", "json")
    assert end.code == 1
    result = json.loads(end.out)
    assert result["operation"]["cell"] == "eu-1"
    assert [each["cell"] for each in result["unreachable"]] == ["ap-1"]
    assert end.err.splitlines()[-3:] == [
        "error: cell/ap-1: connection refused",
        "  try: skerry doctor",
        "done in eu-1; failed in ap-1",
    ]


def test_one_that_fails_leaves_the_others_done(fake: FakeServer, skerry: Skerry) -> None:
    fake.on("GET", "/v1/operations/op-us-1/events", Stream([ended("us-1", "failed")]))
    end = skerry("restart", "web")
    assert end.code == 1
    assert "it crashed" in end.err
    assert end.err.splitlines()[-1] == "done in eu-1; failed in us-1"


def test_apply_sends_the_digest_of_each_plan_that_was_shown(
    fake: FakeServer, skerry: Skerry, tmp_path: Path
) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Containerfile").write_text("FROM scratch\n")
    (tmp_path / "web.yaml").write_text("service: web\nbuild: ./web\n")
    fake.on("GET", "/v1/images", {"here": True})
    unchanged = plan(cell="ap-1", unchanged=1)
    made = [plan(change("web"), cell="eu-1", digest="e"), unchanged]
    fake.on("POST", "/v1/plan", plans(*made))
    assert skerry("apply", str(tmp_path), "--yes").code == 0
    (body,) = fake.bodies("POST", "/v1/apply")
    assert (body["plan"], body["cells"]) == ({"eu-1": "e"}, ["eu-1"])


def test_a_plan_for_each_cell_under_its_name(fake: FakeServer, skerry: Skerry, shop: str) -> None:
    end = skerry("plan", shop)
    assert end.out.splitlines() == [
        "eu-1:",
        "+ web create: it is new",
        "eu-1: 1 to create, 0 unchanged",
        "us-1:",
        "+ web create: it is new",
        "us-1: 1 to create, 0 unchanged",
    ]
    bad = failure("ap-1", "timed out")
    fake.on("POST", "/v1/plan", plans(plan(cell="eu-1"), unreachable=[bad]))
    assert skerry("plan", shop, "--exit-code").code == 1


def test_cell_narrows_every_command(fake: FakeServer, skerry: Skerry, shop: str) -> None:
    skerry("plan", shop, "--cell", "eu-1", "--cell", "us-1")
    assert fake.bodies("POST", "/v1/plan")[0]["cells"] == ["eu-1", "us-1"]
    skerry("restart", "web", "--cell", "eu-1")
    skerry("status", "--cell", "eu-1")
    asked = {each.path: each.query.get("cell") for each in fake.asked}
    assert asked["/v1/services/default/web/restart"] == ["eu-1"]
    assert asked["/v1/status"] == ["eu-1"]


def test_status_has_a_column_for_the_cell_and_names_the_silent(
    fake: FakeServer, skerry: Skerry
) -> None:
    silent = {"ap-1": "cell/ap-1: did not answer within 15s"}
    fake.on("GET", "/v1/status", status(service("web", cell="eu-1", since=AT), silent=silent))
    end = skerry("status")
    assert end.code == 1
    assert end.out.splitlines()[0].split()[:2] == ["CELL", "NAME"]
    assert end.out.splitlines()[1].split()[:2] == ["eu-1", "web"]
    assert end.err == "error: ap-1: did not answer within 15s\n  try: skerry cells\n"


def test_cells_at_a_glance(fake: FakeServer, skerry: Skerry) -> None:
    fake.on("GET", "/v1/cells", {"cells": [CELL]})
    end = skerry("cells")
    assert end.code == 0
    assert end.out.splitlines()[1].split() == [
        "eu-1",
        *("Kubernetes", "1.36", "answers", "eu-central-1", "DE", "2", "3", "12", "48Gi"),
    ]
    fake.on("GET", "/v1/cells", {"cells": [CELL, SILENT]})
    end = skerry("cells", "-o", "wide")
    assert end.code == 1
    assert "did not answer" in end.out
    fake.on("DELETE", "/v1/cells/ap-1", {})
    assert skerry("cells", "forget", "ap-1").err == "forgotten: ap-1; what runs there goes on\n"


def test_logs_say_the_cell_where_there_are_several(fake: FakeServer, skerry: Skerry) -> None:
    lines = [
        ("line", {"cell": cell, "at": AT, "replica": "web-1", "stream": "stdout", "text": "hi"})
        for cell in ("eu-1", "us-1")
    ]
    bad = ("failed", failure("ap-1", "connection refused"))
    fake.on("GET", "/v1/services/default/web/logs", Stream([*lines, bad, DONE]))
    end = skerry("logs", "web")
    assert end.out.splitlines() == ["eu-1  web-1  hi", "us-1  web-1  hi"]
    assert "cell/ap-1: connection refused" in end.err
    assert end.code == 1
