"""Completion: commands, options, names of services; quiet when nothing answers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.fake_server import FakeServer
from tests.cli.views import service, status


def complete(line: str, shell: str = "bash") -> list[str]:
    words = line.split(" ")
    asked = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    environment = {**os.environ, "_SKERRY_COMPLETE": f"complete_{shell}", **asked}
    ended = subprocess.run(
        [sys.executable, "-m", "skerry"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""
    return ended.stdout.splitlines()


@pytest.fixture(autouse=True)
def _services(fake: FakeServer) -> None:
    every = status(service("web"), service("worker"), service("payments/checkout"))
    fake.on("GET", "/v1/status", every)
    fake.on("GET", "/v1/secrets", {"secrets": ["db-password", "smtp"]})


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("skerry hi", ["history"]),
        ("skerry logs w", ["web", "worker"]),
        ("skerry deploy pay", ["payments/checkout"]),
        ("skerry apply --only we", ["web"]),
        ("skerry token c", ["create"]),
        ("skerry secrets delete s", ["smtp"]),
        ("skerry status --wa", ["--watch"]),
        ("skerry status -o j", ["json"]),
    ],
)
def test_tab_offers_what_fits(line: str, offered: list[str]) -> None:
    assert complete(line) == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_served_too(shell: str) -> None:
    said = "\n".join(complete("skerry logs we", shell))
    assert "web" in said
    assert "worker" not in said


def test_without_a_server_nothing_is_offered_and_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SKERRY_SERVER")
    assert "".join(complete("skerry logs w")) == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script_that_it_can_read(shell: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "skerry", "--show-completion", shell],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
    )
    assert ended.returncode == 0
    assert "_SKERRY_COMPLETE" in ended.stdout
    if program := shutil.which(shell):
        read = subprocess.run(
            [program, "-n"], input=ended.stdout, capture_output=True, text=True, check=False
        )
        assert read.returncode == 0, read.stderr
