"""On a terminal: live progress, colours, questions, and secrets without echo."""

import threading

import pytest

from tests.cli.conftest import Skerry
from tests.cli.fake_server import FakeServer, Stream
from tests.cli.terminals import start
from tests.cli.views import AT, DONE, operation, progress, replica, service, started, status

# Starting a thread and forking a terminal in one process warns from Python 3.12 on.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
STARTING = replica("web-77-a", ready=False, reason="starting: GET /healthz refused")
WAITING = progress(
    "waiting",
    "0 of 1 replicas ready",
    since=AT,
    replicas=[STARTING],
    last_lines=["listening soon"],
)


@pytest.fixture
def held(fake: FakeServer) -> threading.Event:
    """A deploy that waits until the event is set."""
    go_on = threading.Event()
    stream = Stream(
        [progress("applying", "release 2"), WAITING, progress("done", "all ready"), DONE],
        between=lambda number: go_on.wait(20) and None if number == 3 else None,
    )
    fake.on("GET", "/v1/operations/op-1/events", stream)
    fake.on("POST", "/v1/services/default/web/deploy", started(operation()))
    fake.on("GET", "/v1/status", status(service("web")))
    return go_on


def test_live_progress_shows_what_it_waits_for_since_when_and_each_replica(
    held: threading.Event,
) -> None:
    terminal = start("deploy", "web", "--image", "x:2")
    shown = terminal.until("listening soon")
    for part in ("0 of 1 replicas ready", "web-77-a", "GET /healthz refused", "("):
        assert part in shown
    held.set()
    code, shown = terminal.end()
    assert code == 0
    assert "all ready" in shown
    assert "https://web.localhost" in shown
    assert "\x1b[" in shown


def test_no_color_is_honoured_on_a_terminal(held: threading.Event) -> None:
    held.set()
    terminal = start("deploy", "web", "--image", "x:2", env={"NO_COLOR": "1"})
    code, shown = terminal.end()
    assert code == 0
    assert not any(f"\x1b[{colour}m" in shown for colour in ("32", "33", "31", "1;31"))


def test_ctrl_c_while_waiting_detaches_and_says_how_to_attach(held: threading.Event) -> None:
    terminal = start("deploy", "web", "--image", "x:2")
    terminal.until("listening soon")
    terminal.type("\x03")
    code, shown = terminal.end()
    held.set()
    assert code == 130
    assert "goes on without this command" in shown
    assert "skerry operations op-1" in shown


def test_a_secret_is_asked_for_without_echo(fake: FakeServer) -> None:
    fake.on("PUT", "/v1/secrets/default/db-password", {})
    terminal = start("secrets", "set", "db-password")
    terminal.until("value of db-password:")
    terminal.type("hunter2\n")
    code, shown = terminal.end()
    assert code == 0
    assert "hunter2" not in shown
    assert fake.bodies("PUT", "/v1/secrets/default/db-password") == [{"value": "hunter2"}]


def test_a_secret_is_never_an_argument(fake: FakeServer, skerry: Skerry) -> None:
    ended = skerry("secrets", "set", "db-password", "hunter2")
    assert ended.code == 1
    assert "list of processes" in ended.err
    assert "hunter2" not in ended.err
    assert not [each for each in fake.asked if each.method == "PUT"]


def test_down_asks_about_volumes(fake: FakeServer) -> None:
    volume = {"name": "redis-data", "service": "redis", "repository": "inspector"}
    fake.on("GET", "/v1/volumes", {"unreachable": [], "volumes": [volume]})
    fake.on("POST", "/v1/down", started(operation())).on("POST", "/v1/stop", {})
    fake.on("GET", "/v1/operations/op-1/events", Stream([DONE]))
    terminal = start("down")
    terminal.until("Remove these volumes and the data in them, too? [y/N]")
    terminal.type("y\n")
    code, shown = terminal.end()
    assert code == 0
    assert "redis-data of redis" in shown
    assert fake.bodies("POST", "/v1/down") == [{"repository": None, "volumes": True, "cells": []}]


def test_init_asks_for_what_the_flags_leave_open(fake: FakeServer, tmp_path: object) -> None:
    terminal = start("init", f"{tmp_path}/shop")
    terminal.until("service name [shop]")
    terminal.type("web\n")
    terminal.until("image")
    terminal.type("ghcr.io/acme/web:1\n")
    code, _ = terminal.end()
    assert code == 0
