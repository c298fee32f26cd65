"""`skerry tenants`: documents looked at and edited, cells asked when they can be."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Skerry
from tests.cli.fake_server import FakeServer

STACK = """\
# our customers
stack: eu
template: {image: "app:{version}", volumes: {data: /data}}
values: {version: 1, db: one}
grace: 3d
tenants:
  acme: {version: 2.0.0}  # the first
  globex: {}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, and the place commands run in."""
    made = tmp_path / "shop"
    made.mkdir()
    (made / "eu.yaml").write_text(STACK)
    monkeypatch.chdir(made)
    return made


def test_tenants_are_listed_with_what_each_has_otherwise(
    folder: Path, alone: Path, skerry: Skerry
) -> None:
    table = skerry("tenants", "list", "eu").out.splitlines()
    assert table[0].split() == ["TENANT", "STACK", "VERSION", "CELLS", "OTHERWISE"]
    assert table[1].split() == ["acme", "eu", "2.0.0", "local", "version"]
    view = json.loads(skerry("tenants", "list", "-o", "json").out)
    assert [each["line"] for each in view["tenants"]] == [7, 8]


def test_a_tenant_is_added_and_the_next_command_is_named(
    folder: Path, alone: Path, skerry: Skerry
) -> None:
    options = ("--version", "3.1", "--set", "db=two", "--set", "scale.cpu=60%", "--set", "env.A=1")
    ended = skerry("tenants", "add", "eu", "beta", *options)
    assert (ended.code, "next: skerry apply" in ended.err) == (0, True)
    line = '  beta: {version: "3.1", values: {db: two}, scale: {cpu: "60%"}, env: {A: "1"}}\n'
    before, after = STACK.split("  globex")
    assert (folder / "eu.yaml").read_text() == f"{before}{line}  globex{after}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "eu", "acme"), "is declared already, at eu.yaml:7"),
        (("add", "eu", "Beta"), "its name should be a name of lowercase letters"),
        (("add", "eu", "beta", "--set", "scale.mni=1"), "unknown key `mni`"),
        (("add", "eu", "beta", "--set", "scale.max=0"), "max should be at least min"),
        (("add", "eu", "beta", "--set", "db"), "should be NAME=VALUE"),
        (("add", "eus", "beta"), "did you mean eu?"),
        (("show", "eu", "acne"), "did you mean acme?"),
        (("remove", "eu", "acme"), "add --yes"),
    ],
)
def test_what_cannot_be_changes_no_file(
    folder: Path, alone: Path, skerry: Skerry, arguments: tuple[str, ...], said: str
) -> None:
    ended = skerry("tenants", *arguments)
    assert ended.code != 0 and said in ended.err
    assert (folder / "eu.yaml").read_text() == STACK


def test_where_a_stack_is_split_the_file_has_to_be_named(
    folder: Path, alone: Path, skerry: Skerry
) -> None:
    more = folder / "more.yaml"
    more.write_text("stack: eu\ntenants:\n  zeta: {}\n")
    assert "add --file with one of eu.yaml, more.yaml" in skerry("tenants", "add", "eu", "x").err
    assert skerry("tenants", "add", "eu", "x", "--file", "more.yaml").code == 0
    assert more.read_text() == "stack: eu\ntenants:\n  x: {}\n  zeta: {}\n"


def test_removing_says_what_is_lost_and_writes_when(
    folder: Path, alone: Path, skerry: Skerry
) -> None:
    ended = skerry("tenants", "remove", "eu", "acme", "--yes")
    for said in ("https://acme.eu.localhost goes away", "volume data", "3d later", "skerry apply"):
        assert said in ended.err
    written = (folder / "eu.yaml").read_text()
    assert "  acme: {version: 2.0.0, removed: 20" in written and "}  # the first" in written
    again = skerry("tenants", "remove", "eu", "acme", "--yes")
    assert again.code == 1 and "its data goes at" in again.err


def test_now_takes_the_entry_out_and_names_what_deletes_the_rest(
    folder: Path, alone: Path, skerry: Skerry
) -> None:
    ended = skerry("tenants", "remove", "eu", "acme", "--now", "--yes")
    assert "skerry delete eu-acme/acme --volumes" in ended.err
    assert (folder / "eu.yaml").read_text() == STACK.replace(
        "  acme: {version: 2.0.0}  # the first\n", ""
    )


def test_a_tenant_is_shown_whole_and_how_it_is(
    folder: Path, fake: FakeServer, skerry: Skerry
) -> None:
    state = {"state": "running", "reason": "1 of 1 ready", "url": "https://acme.eu.localhost:8443"}
    fake.on("GET", "/v1/services/eu-acme/acme", state)
    view = json.loads(skerry("tenants", "show", "eu", "acme", "-o", "json").out)
    assert view["document"]["image"] == "app:2.0.0"
    assert view["places"] == [{"cell": "local", "absent": None, **state}]


def test_a_tenant_is_shown_also_where_nobody_can_be_asked(
    folder: Path, alone: Path, skerry: Skerry
) -> None:
    ended = skerry("tenants", "show", "eu", "globex")
    assert ended.code == 0
    assert "not known how it is: no server runs on this machine" in ended.out
    assert "image: app:1" in ended.out
