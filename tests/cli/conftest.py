"""What the command line's tests share: a fake server, and calling `skerry` in process."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from skerry.cli.app import Doors, main
from tests.cli.fake_server import FakeServer, running


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Skerry = Callable[..., Ended]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeServer]:
    with running() as server:
        monkeypatch.setenv("SKERRY_SERVER", server.url)
        monkeypatch.setenv("SKERRY_TOKEN", server.token)
        monkeypatch.setenv("SKERRY_STATE", str(tmp_path / "state"))
        yield server


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No server anywhere; returns the state folder that does not exist yet."""
    for name in ("SKERRY_SERVER", "SKERRY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SKERRY_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def skerry(capsys: pytest.CaptureFixture[str]) -> Skerry:
    doors = Doors(
        serve=lambda: print("serving"), schema=lambda: {"title": "documents"}, checks=lambda: ()
    )

    def call(*arguments: str) -> Ended:
        capsys.readouterr()
        code = main(arguments, doors)
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return call


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare with a golden file; SKERRY_GOLDEN=write makes it anew, for a look at the diff."""

    def compare(name: str, text: str) -> None:
        file = Path(__file__).parent / "golden" / name
        if os.environ.get("SKERRY_GOLDEN") == "write":
            file.write_text(text)
        assert text == file.read_text()

    return compare
