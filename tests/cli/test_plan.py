"""plan, apply, deploy of a folder, up: what is sent, asked, built and printed."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from skerry.cli.images import look_at
from skerry.cli.repository import _identity
from skerry.model.sources import Sources, SourceText
from tests.cli.conftest import Skerry
from tests.cli.fake_server import Asked, FakeServer, Refusal, Stream, error
from tests.cli.terminals import start
from tests.cli.views import (
    DONE,
    applied,
    change,
    operation,
    plan,
    plans,
    progress,
    service,
    started,
    status,
)


@pytest.fixture
def shop(tmp_path: Path) -> str:
    folder = tmp_path / "shop"
    (folder / "web").mkdir(parents=True)
    (folder / "skerry.yaml").write_text("version: 1\nname: the-shop\n")
    (folder / "web.yaml").write_text(
        "service: web\nbuild: ./web\nfiles: {/etc/app.toml: ./app.toml}\n"
        "---\nservice: checkout\nteam: payments\nimage: acme/checkout:1\n"
    )
    (folder / "app.toml").write_bytes(b"a = 1\n")
    (folder / "web" / "Containerfile").write_text("FROM scratch\n")
    return str(folder)


@pytest.fixture(autouse=True)
def _answers(fake: FakeServer) -> None:
    fake.on("POST", "/v1/plan", plans(plan(change("web"))))
    fake.on("POST", "/v1/apply", applied([plan(change("web"))], operation()))
    fake.on("GET", "/v1/images", {"here": True})
    fake.on("GET", "/v1/operations/op-1/events", Stream([progress("done", "ready"), DONE]))
    fake.on("GET", "/v1/status", _status)


def _status(asked: Asked) -> Any:
    """Narrowed to a namespace and a name, as the server does."""
    every = [service("web"), service("payments/checkout"), service("other")]
    wanted = {key: asked.query[key][0] for key in ("namespace", "name") if key in asked.query}
    return status(*(each for each in every if wanted.items() <= each.items()))


def test_a_plan_sends_texts_files_and_the_images_that_would_be_built(
    fake: FakeServer, skerry: Skerry, shop: str
) -> None:
    ended = skerry("plan", shop)
    assert ended.code == 0
    assert ended.out.splitlines()[0] == "+ web create: it is new"
    (body,) = fake.bodies("POST", "/v1/plan")
    sources = body["sources"]
    assert sources["name"] == "shop"
    assert sorted(each["path"] for each in sources["texts"]) == ["skerry.yaml", "web.yaml"]
    assert sources["contents"] == {"app.toml": "YSA9IDEK"}
    assert sources["builds"] == {"web": look_at(Path(shop) / "web").image}
    assert not [each for each in fake.asked if each.path == "/v1/builds"]


def test_exit_code_3_says_that_there_are_changes(
    fake: FakeServer, skerry: Skerry, shop: str
) -> None:
    assert skerry("plan", shop, "--exit-code").code == 3
    fake.on("POST", "/v1/plan", plans(plan(unchanged=2)))
    assert skerry("plan", shop, "--exit-code").code == 0


def test_yaml_is_the_compiled_objects(fake: FakeServer, skerry: Skerry, shop: str) -> None:
    objects = [{"kind": "Deployment", "metadata": {"name": "web"}}, {"kind": "Service"}]
    fake.on("POST", "/v1/plan", plans(plan(objects=objects)))
    assert list(yaml.safe_load_all(skerry("plan", shop, "-o", "yaml").out)) == objects
    assert fake.bodies("POST", "/v1/plan")[0]["objects"] is True


def test_apply_does_exactly_the_plan_that_was_shown(
    fake: FakeServer, skerry: Skerry, shop: str
) -> None:
    ended = skerry("apply", shop, "--yes", "-o", "json")
    assert ended.code == 0
    assert fake.bodies("POST", "/v1/apply")[0]["plan"] == {"local": "d1g3st"}
    named = [each["name"] for each in json.loads(ended.out)["services"]]
    assert named == ["web", "checkout"]


def test_deploy_of_a_folder_is_apply_without_the_question(
    fake: FakeServer, skerry: Skerry, shop: str
) -> None:
    assert skerry("deploy", shop).code == 0
    assert fake.bodies("POST", "/v1/apply")[0]["plan"] == {"local": "d1g3st"}


def test_a_plan_that_has_changed_meanwhile_is_not_applied(
    fake: FakeServer, skerry: Skerry, shop: str
) -> None:
    said = error("conflict", "the plan has changed", hint="skerry plan")
    fake.on("POST", "/v1/apply", Refusal(409, said))
    ended = skerry("apply", shop, "--yes")
    assert ended.code == 1
    assert "error: the plan has changed\n  try: skerry plan\n" in ended.err


def test_an_empty_plan_starts_no_operation(fake: FakeServer, skerry: Skerry, shop: str) -> None:
    fake.on("POST", "/v1/plan", plans(plan(unchanged=2)))
    ended = skerry("apply", shop, "--yes", "-o", "json")
    assert json.loads(ended.out)["operation"] is None
    assert fake.bodies("POST", "/v1/apply") == []


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize(("answer", "times"), [("y", 1), ("n", 0), ("", 0)])
def test_apply_asks_on_a_terminal(fake: FakeServer, shop: str, answer: str, times: int) -> None:
    terminal = start("apply", shop)
    terminal.until("Apply this? [y/N]")
    terminal.type(f"{answer}\n")
    code, _ = terminal.end()
    assert code == 1 - times
    assert len(fake.bodies("POST", "/v1/apply")) == times


def test_up_builds_what_is_missing_and_prints_where_everything_is(
    fake: FakeServer, skerry: Skerry, shop: str
) -> None:
    fake.on("GET", "/v1/images", {"here": False})
    fake.on("POST", "/v1/builds", Stream([("line", {"text": "STEP 1"}), ("done", {})]))
    ended = skerry("up", shop)
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "  web                running    https://web.localhost",
        "  payments/checkout  running    https://checkout.localhost",
    ]
    for said in ("web | STEP 1", "web done: ready", f"next: skerry down {shop}"):
        assert said in ended.err


def test_a_second_up_changes_nothing_and_says_so(
    fake: FakeServer, skerry: Skerry, shop: str
) -> None:
    fake.on("POST", "/v1/plan", plans(plan(unchanged=2)))
    ended = skerry("up", shop)
    assert ended.code == 0
    assert "nothing to change, 2 unchanged" in ended.err
    assert "https://web.localhost" in ended.out
    assert fake.bodies("POST", "/v1/apply") == []


def test_documents_that_are_wrong_change_nothing(
    fake: FakeServer, skerry: Skerry, shop: str
) -> None:
    problem = {"file": "web.yaml", "line": 2, "path": "web", "message": "no", "hint": ""}
    fake.on("POST", "/v1/plan", Refusal(422, error("invalid", "x", problems=[problem])))
    fake.on("GET", "/v1/images", {"here": False})
    ended = skerry("up", shop)
    assert ended.code == 1
    assert "web.yaml:2: web: no" in ended.err
    assert not [each for each in fake.asked if each.path in ("/v1/builds", "/v1/apply")]


def test_a_folder_that_is_not_there_is_said(skerry: Skerry) -> None:
    ended = skerry("plan", "no-such-folder")
    assert ended.err == "error: no-such-folder: no such file or folder\n  try: skerry init\n"


def test_down_of_a_folder_names_its_repository(fake: FakeServer, skerry: Skerry, shop: str) -> None:
    none = {"volumes": [], "unreachable": []}
    fake.on("POST", "/v1/down", started(operation())).on("GET", "/v1/volumes", none)
    assert skerry("down", shop).code == 0
    assert fake.bodies("POST", "/v1/down") == [
        {"repository": "the-shop", "volumes": False, "cells": []}
    ]
    assert not [each for each in fake.asked if each.path == "/v1/stop"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("service: web\nimage: a\n", ("web",)),
        ("image: a\nteam: pay\nservice: web\n", ("pay/web",)),
        ("---\nservice: a\n--- # two\nservice: 'b'\nteam: t\n", ("a", "t/b")),
        ('{"service": "web", "team": "t", "image": "a"}', ("t/web",)),
        ("{service: web, image: a}", ("web",)),
        ("cell: local\n", ()),
        ("service: web\nenv:\n  team: no\n", ("web",)),
        ("", ()),
    ],
)
def test_the_services_of_a_document_are_named_as_commands_name_them(
    text: str, names: tuple[str, ...]
) -> None:
    assert _identity(Sources(name="x", texts=(SourceText(path="a.yaml", text=text),)))[1] == names


def test_a_default_team_is_the_namespace_of_those_without_one() -> None:
    settings = SourceText(path="skerry.yaml", text="version: 1\nname: n\ndefaults: {team: t}\n")
    web = SourceText(path="web.yaml", text="service: web\nimage: a\n")
    assert _identity(Sources(name="x", texts=(settings, web))) == ("n", ("t/web",))
