"""`skerry verify`: what was found, and the exit code that says so."""

import json

from tests.cli.conftest import Skerry
from tests.cli.fake_server import FakeServer
from tests.cli.views import failure

DRIFT = {
    "cell": "eu-1",
    "trouble": "drift",
    "object": "Service/shop/web",
    "service": "shop/web",
    "reason": "spec.ports is not as it was applied",
}
ORPHAN = {
    "cell": "us-1",
    "trouble": "orphan",
    "object": "ConfigMap/shop/web-files-1",
    "service": None,
    "reason": "no service lists it",
}


def test_where_all_is_well_nothing_is_printed(skerry: Skerry, fake: FakeServer) -> None:
    fake.on("GET", "/v1/verify", {"findings": [], "unreachable": []})
    ended = skerry("verify")
    assert (ended.code, ended.out) == (0, "")
    assert "every object is as it was applied" in ended.err


def test_findings_are_a_table_and_exit_3(skerry: Skerry, fake: FakeServer) -> None:
    fake.on("GET", "/v1/verify", {"findings": [DRIFT, ORPHAN], "unreachable": []})
    ended = skerry("verify")
    assert ended.code == 3
    head, drift, orphan = ended.out.splitlines()
    assert head.split() == ["CELL", "FOUND", "OBJECT", "SERVICE", "WHAT"]
    assert drift.split()[:4] == ["eu-1", "drift", "Service/shop/web", "shop/web"]
    assert orphan.endswith("no service lists it")


def test_one_cell_needs_no_column_and_json_is_the_view(skerry: Skerry, fake: FakeServer) -> None:
    view = {"findings": [DRIFT], "unreachable": []}
    fake.on("GET", "/v1/verify", view)
    ended = skerry("verify", "--cell", "eu-1")
    assert fake.asked[-1].query == {"cell": ["eu-1"]}
    assert ended.out.splitlines()[0].split()[0] == "FOUND"
    assert json.loads(skerry("verify", "-o", "json").out) == view


def test_a_cell_that_does_not_answer_is_named_and_exits_1(skerry: Skerry, fake: FakeServer) -> None:
    unreachable = [failure("us-1", "connection refused")]
    fake.on("GET", "/v1/verify", {"findings": [DRIFT], "unreachable": unreachable})
    ended = skerry("verify")
    assert ended.code == 1
    assert "Service/shop/web" in ended.out
    assert "us-1" in ended.err and "connection refused" in ended.err
