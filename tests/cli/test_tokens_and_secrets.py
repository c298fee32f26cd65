"""Tokens and secrets: what is asked of the server, and what is shown of them."""

import os
import subprocess
import sys

import pytest

from tests.cli.conftest import Skerry
from tests.cli.fake_server import FakeServer

TOKEN = {
    "id": "t1",
    "name": "ci",
    "role": "deployer",
    "namespaces": ["shop"],
    "created": "2026-03-01T12:00:00+00:00",
    "expires": None,
}


def test_a_token_is_alone_on_standard_output(fake: FakeServer, skerry: Skerry) -> None:
    fake.on("POST", "/v1/tokens", {**TOKEN, "token": "skerry_abc"})
    command = ["token", "create", "ci", "--role", "deployer", "--namespace", "shop"]
    ended = skerry(*command, "--expires", "90d")
    assert ended.out == "skerry_abc\n"
    wanted = {"name": "ci", "role": "deployer", "namespaces": ["shop"]}
    assert fake.bodies("POST", "/v1/tokens") == [{**wanted, "expires_seconds": 7776000.0}]


@pytest.mark.parametrize("written", ["ci", "t1"])
def test_a_token_is_revoked_by_name_or_id(fake: FakeServer, skerry: Skerry, written: str) -> None:
    fake.on("GET", "/v1/tokens", {"tokens": [TOKEN]}).on("DELETE", "/v1/tokens/t1", {})
    assert skerry("token", "revoke", written).code == 0
    assert any(each.method == "DELETE" for each in fake.asked)


def test_a_wrong_token_name_suggests_the_nearest(fake: FakeServer, skerry: Skerry) -> None:
    fake.on("GET", "/v1/tokens", {"tokens": [{**TOKEN, "name": "shop-ci"}]})
    assert "did you mean shop-ci?" in skerry("token", "revoke", "shp-ci").err


def piped(value: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "skerry", "secrets", "set", "db"]
    return subprocess.run(command, input=value, capture_output=True, check=False, env=os.environ)


def test_a_secret_is_read_from_standard_input_without_its_line_end(fake: FakeServer) -> None:
    fake.on("PUT", "/v1/secrets/default/db", {})
    assert piped(b"hunter2\n").returncode == 0
    assert piped(b"two\nlines\n\n").returncode == 0
    assert fake.bodies("PUT", "/v1/secrets/default/db") == [
        {"value": "hunter2"},
        {"value": "two\nlines\n"},
    ]


def test_a_secret_of_another_namespace_is_named_with_it(fake: FakeServer, skerry: Skerry) -> None:
    fake.on("DELETE", "/v1/secrets/payments/db", {})
    assert skerry("secrets", "delete", "payments/db").code == 0
    assert [each.path for each in fake.asked if each.method == "DELETE"] == [
        "/v1/secrets/payments/db"
    ]


@pytest.mark.parametrize("value", [b"", b"\n", b"\xff\xfe"])
def test_an_empty_or_unreadable_secret_is_refused(fake: FakeServer, value: bytes) -> None:
    ended = piped(value)
    assert ended.returncode == 1
    assert b"try: " in ended.stderr
    assert not [each for each in fake.asked if each.method == "PUT"]
