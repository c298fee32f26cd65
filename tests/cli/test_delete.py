"""`skerry delete`: one service goes; its volumes are named and kept unless told otherwise."""

import pytest

from tests.cli.conftest import Skerry
from tests.cli.fake_server import FakeServer, Refusal, Stream, error
from tests.cli.terminals import start
from tests.cli.views import DONE, operation, service, started, status

URL = "/v1/services/default/redis"


@pytest.fixture(autouse=True)
def _answers(fake: FakeServer) -> None:
    volume = {"name": "redis.data", "service": "redis", "repository": "inspector"}
    fake.on(
        "GET",
        "/v1/volumes",
        {"unreachable": [], "volumes": [volume, {**volume, "service": "shop/redis"}]},
    )
    fake.on("GET", "/v1/status", status(service("redis"), service("web")))
    fake.on("DELETE", URL, started(operation()))
    fake.on("GET", "/v1/operations/op-1/events", Stream([DONE]))


def deleted(fake: FakeServer) -> list[dict[str, list[str]]]:
    return [each.query for each in fake.asked if each.method == "DELETE"]


def test_where_nobody_can_be_asked_yes_is_needed(fake: FakeServer, skerry: Skerry) -> None:
    ended = skerry("delete", "redis")
    assert ended.code == 2
    assert "add --yes" in ended.err
    assert not deleted(fake)


def test_volumes_are_kept_and_named_with_the_command_that_removes_them(
    fake: FakeServer, skerry: Skerry
) -> None:
    ended = skerry("delete", "default/redis", "--yes")
    assert ended.code == 0
    assert deleted(fake) == [{}]
    assert "kept: volume redis.data; remove: skerry delete redis --volumes" in ended.err


def test_volumes_go_when_told(fake: FakeServer, skerry: Skerry) -> None:
    ended = skerry("delete", "redis", "--yes", "--volumes")
    assert deleted(fake) == [{"volumes": ["true"]}]
    assert "kept" not in ended.err


def test_a_name_that_is_nearly_right_gets_the_right_one(fake: FakeServer, skerry: Skerry) -> None:
    fake.on("GET", "/v1/services/default/wbe", Refusal(404, error("not_found", "is not here")))
    ended = skerry("delete", "wbe", "--yes")
    assert ended.code == 1
    assert "did you mean web?" in ended.err
    assert not deleted(fake)


@pytest.mark.parametrize(("typed", "code", "count"), [("y\n", 0, 1), ("\n", 1, 0)])
def test_on_a_terminal_it_asks(fake: FakeServer, typed: str, code: int, count: int) -> None:
    terminal = start("delete", "redis")
    terminal.until("Delete redis? Its 1 volume will be kept. [y/N]")
    terminal.type(typed)
    ended, _ = terminal.end()
    assert (ended, len(deleted(fake))) == (code, count)
