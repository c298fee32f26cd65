"""Which server is meant, and starting one in the background."""

import json
import os
from pathlib import Path

import pytest

from skerry.cli.console import Console
from skerry.cli.launch import ensure_server, log_tail, wait_until_gone
from skerry.cli.target import find_target, state_folder
from skerry.errors import ServerUnavailable
from skerry.settings import Settings
from tests.cli.fake_server import FakeServer


@pytest.mark.parametrize(
    "environment",
    [
        {"HOME": "/home/ana"},
        {"HOME": "/home/ana", "XDG_STATE_HOME": "/var/state"},
        {"HOME": "/home/ana", "XDG_STATE_HOME": "relative"},
        {"HOME": "/home/ana", "XDG_STATE_HOME": "/var/state", "SKERRY_STATE": "/srv/skerry"},
    ],
    ids=["home", "xdg", "relative xdg", "skerry"],
)
def test_the_command_line_and_the_server_agree_on_the_state_folder(
    environment: dict[str, str],
) -> None:
    assert state_folder(environment) == Settings.from_environment(environment).state


def test_the_local_server_is_found_by_its_record(tmp_path: Path) -> None:
    record = {"url": "http://127.0.0.1:7575/", "pid": os.getpid(), "version": "0.1.0"}
    (tmp_path / "server.json").write_text(json.dumps(record))
    (tmp_path / "token").write_text("secret\n")
    target = find_target({"SKERRY_STATE": str(tmp_path)})
    assert (target.url, target.token, target.alive) == ("http://127.0.0.1:7575", "secret", True)


def test_a_record_cut_short_is_as_none(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text('{"url": "http://1')
    with pytest.raises(ServerUnavailable):
        find_target({"SKERRY_STATE": str(tmp_path)})


def test_a_server_that_answers_is_not_started_again(
    fake: FakeServer, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone.mkdir()
    record = {"url": fake.url, "pid": os.getpid(), "version": "0.1.0"}
    (alone / "server.json").write_text(json.dumps(record))
    (alone / "token").write_text(fake.token)
    assert ensure_server(Console()).target.pid == os.getpid()
    assert not (alone / "server.log").exists()


def test_a_server_that_does_not_start_shows_the_end_of_its_log(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKERRY_LISTEN", "nowhere")
    with pytest.raises(ServerUnavailable) as raised:
        ensure_server(Console())
    assert "ended with exit code" in raised.value.cause
    assert "\n  | " in raised.value.cause
    assert (alone / "server.log").stat().st_mode & 0o077 == 0
    assert alone.stat().st_mode & 0o077 == 0


def test_only_what_the_log_said_since_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("of yesterday\n")
    start = log.stat().st_size
    with log.open("a") as more:
        more.write("of today\n")
    assert log_tail(log, start=start) == ["of today"]


def test_a_process_that_has_ended_is_gone() -> None:
    assert wait_until_gone(2**22 + 1)
