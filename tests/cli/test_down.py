"""`skerry down`: volumes are asked about, kept unless told otherwise, and named."""

from pathlib import Path

import pytest

from skerry.cli.launch import mark_ended
from tests.cli.conftest import Skerry
from tests.cli.fake_server import FakeServer, Stream
from tests.cli.views import DONE, operation, started, status


@pytest.fixture(autouse=True)
def _answers(fake: FakeServer) -> None:
    volume = {"name": "redis-data", "service": "redis", "repository": "inspector"}
    fake.on("GET", "/v1/volumes", {"unreachable": [], "volumes": [volume]})
    fake.on("GET", "/v1/status", status())
    fake.on("POST", "/v1/down", started(operation()))
    fake.on("POST", "/v1/stop", {})
    fake.on("GET", "/v1/operations/op-1/events", Stream([DONE]))


def test_volumes_are_kept_where_nobody_can_be_asked_and_named(
    fake: FakeServer, skerry: Skerry
) -> None:
    ended = skerry("down")
    assert ended.code == 0
    assert fake.bodies("POST", "/v1/down") == [{"repository": None, "volumes": False, "cells": []}]
    assert fake.bodies("POST", "/v1/stop") == [{"gateway": True}]
    assert "kept: volume redis-data of redis; remove: skerry down --volumes" in ended.err


def test_volumes_go_without_a_question_when_told(fake: FakeServer, skerry: Skerry) -> None:
    ended = skerry("down", "--volumes")
    assert fake.bodies("POST", "/v1/down") == [{"repository": None, "volumes": True, "cells": []}]
    assert "kept" not in ended.err


def test_without_a_server_ever_started_there_is_nothing_to_do(
    alone: object, skerry: Skerry
) -> None:
    ended = skerry("down")
    assert ended.code == 0
    assert "no server was ever started" in ended.err


def test_after_everything_was_taken_down_a_second_time_only_says_what_was_kept(
    alone: Path, skerry: Skerry
) -> None:
    alone.mkdir()
    (alone / "server.log").write_text("")
    mark_ended(["volume redis-data of redis"])
    ended = skerry("down")
    assert ended.code == 0
    assert "kept: volume redis-data of redis; remove: skerry down --volumes" in ended.err


def test_a_remote_server_that_does_not_answer_is_not_taken_for_nothing(
    fake: FakeServer, skerry: Skerry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKERRY_SERVER", "http://127.0.0.1:9")
    ended = skerry("down")
    assert ended.code == 1
    assert "check SKERRY_SERVER" in ended.err
