"""Trusting the gateway's authority: printing it, and who may install it."""

import os

import pytest

from skerry.cli.commands.trust import _as_root
from skerry.errors import Refused
from tests.cli.conftest import Skerry
from tests.cli.fake_server import FakeServer

PEM = "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n"


def test_print_gives_the_certificate_alone(fake: FakeServer, skerry: Skerry) -> None:
    fake.on("GET", "/v1/authority", {"pem": PEM})
    assert skerry("trust", "--print").out == PEM


def test_without_the_right_to_the_whole_command_that_has_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("SKERRY_STATE", "/home/ana/my state")
    with pytest.raises(Refused) as raised, _as_root("--remove"):
        raise Refused("permission denied", subject="authority")
    assert raised.value.hint.startswith("sudo 'SKERRY_STATE=/home/ana/my state' ")
    assert raised.value.hint.endswith(" trust --remove")
