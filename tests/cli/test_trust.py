"""Trusting the gateway's authority, on a system of our own making."""

from pathlib import Path

import pytest

from skerry.cli.trusting import Anchors, find_anchors, install, installed, remove
from skerry.errors import Refused
from tests.cli.conftest import Skerry
from tests.cli.fake_server import FakeServer

PEM = "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n"


def test_print_gives_the_certificate_alone(fake: FakeServer, skerry: Skerry) -> None:
    fake.on("GET", "/v1/authority", {"pem": PEM})
    assert skerry("trust", "--print").out == PEM


def test_what_is_installed_is_found_and_removed_again(tmp_path: Path) -> None:
    anchors = Anchors(tmp_path / "anchors", ("true",))
    file = install(PEM, tmp_path, anchors)
    assert file.read_text() == PEM
    assert installed(tmp_path) == file
    assert remove(tmp_path, anchors) == file
    assert not file.exists()
    assert installed(tmp_path) is None


def test_a_system_that_does_not_take_it_up_is_said(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="false failed"):
        install(PEM, tmp_path, Anchors(tmp_path / "anchors", ("false",)))


def test_an_unknown_system_is_told_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(Refused) as raised:
        find_anchors((Anchors(tmp_path / "none" / "anchors", ("true",)),))
    assert "skerry trust --print" in raised.value.hint
