"""`skerry logs`: by time, by replica, as JSON lines, and without what steers a terminal."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Skerry
from tests.cli.fake_server import FakeServer, Stream
from tests.cli.views import service, status


def said(text: str, *, second: int, replica: str = "web-a") -> tuple[str, dict[str, str]]:
    at = f"2026-03-01T12:00:{second:02}+00:00"
    return "line", {"at": at, "replica": replica, "stream": "stdout", "text": text}


@pytest.fixture(autouse=True)
def _two_services(fake: FakeServer) -> None:
    fake.on("GET", "/v1/status", status(service("web"), service("api")))
    for name in ("web", "api"):
        fake.on("GET", f"/v1/services/default/{name}", service(name))
    web = [said("one", second=1), said("three \x1b[2J", second=3), ("end", {})]
    fake.on("GET", "/v1/services/default/web/logs", Stream(web))
    api = [said("two", second=2, replica="api-a"), ("end", {})]
    fake.on("GET", "/v1/services/default/api/logs", Stream(api))


def test_lines_of_several_services_are_merged_by_time(skerry: Skerry) -> None:
    ended = skerry("logs", "web", "api")
    assert ended.out.splitlines() == ["web-a  one", "api-a  two", "web-a  three"]


def test_json_is_one_object_a_line(skerry: Skerry) -> None:
    lines = skerry("logs", "web", "-o", "json").out.splitlines()
    assert [json.loads(each)["text"] for each in lines] == ["one", "three \x1b[2J"]


def test_since_and_tail_and_replica_are_asked_of_the_server(
    fake: FakeServer, skerry: Skerry
) -> None:
    skerry("logs", "web", "--since", "10m", "--tail", "5", "--replica", "web-a")
    query = next(each.query for each in fake.asked if each.path.endswith("/logs"))
    assert (query["tail"], query["replica"]) == (["5"], ["web-a"])
    ago = datetime.now(UTC) - datetime.fromisoformat(query["since"][0])
    assert timedelta(minutes=10) <= ago < timedelta(minutes=11)


def test_following_ends_with_1_when_the_server_ends(skerry: Skerry) -> None:
    ended = skerry("logs", "web", "-f")
    assert ended.code == 1
    assert ended.out.splitlines() == ["web-a  one", "web-a  three"]
    assert "try: skerry up" in ended.err
