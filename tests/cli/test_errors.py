"""Every error names its subject, its cause, and the command that helps."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Skerry
from tests.cli.fake_server import FakeServer, Refusal, error
from tests.cli.views import service, status

SAID = [
    ("unauthenticated", 401, "the token is not known", "skerry token create NAME"),
    ("forbidden", 403, "a viewer may not deploy", "skerry token list"),
    ("conflict", 409, "operation op-7 is at it", "skerry operations"),
    ("refused", 422, "it has a volume: scale must stay at 1", "skerry status"),
    ("engine_unavailable", 503, "Podman does not answer", "skerry doctor"),
    ("gateway_unavailable", 503, "the gateway does not start", "skerry doctor"),
    ("something-new", 500, "a code this version does not know", "skerry doctor"),
]


@pytest.mark.parametrize(("code", "http", "cause", "helps"), SAID, ids=[each[0] for each in SAID])
def test_what_the_server_says_is_printed_with_a_command_that_helps(
    fake: FakeServer, skerry: Skerry, code: str, http: int, cause: str, helps: str
) -> None:
    fake.on("GET", "/v1/status", Refusal(http, error(code, cause, subject="web")))
    ended = skerry("status")
    assert ended.code == 1
    assert ended.out == ""
    assert ended.err.splitlines()[0] == f"error: web: {cause}"
    assert f"  try: {helps}" in ended.err


def test_the_servers_own_hint_wins(fake: FakeServer, skerry: Skerry) -> None:
    said = error("refused", "port 80 is taken", subject="gateway", hint="stop nginx")
    fake.on("GET", "/v1/status", Refusal(422, said))
    assert skerry("status").err == "error: gateway: port 80 is taken\n  try: stop nginx\n"


def test_every_problem_of_the_documents_is_listed(fake: FakeServer, skerry: Skerry) -> None:
    problems = [
        {"file": "web.yaml", "line": 3, "path": "web/port", "message": "too large", "hint": "80"},
        {"file": "db.yaml", "line": 1, "path": "db", "message": "needs image", "hint": ""},
    ]
    fake.on("GET", "/v1/status", Refusal(422, error("invalid", "...", problems=problems)))
    assert skerry("status").err.splitlines() == [
        "error: 2 problems in the documents; nothing was changed",
        "  web.yaml:3: web/port: too large (80)",
        "  db.yaml:1: db: needs image",
        "  try: skerry schema (the form of documents)",
    ]


def test_an_answer_that_is_not_skerrys_is_said(fake: FakeServer, skerry: Skerry) -> None:
    fake.on("GET", "/v1/status", Refusal(502, {}))
    assert skerry("status").code == 1


def test_what_the_machine_refuses_is_an_error_not_a_traceback(
    fake: FakeServer, skerry: Skerry, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    ended = skerry("init", str(tmp_path / "file" / "below"), "--name", "web", "--image", "x")
    assert ended.code == 1
    assert ended.err.startswith(f"error: {tmp_path}/file")
    assert "not a directory" in ended.err


def test_no_server_says_how_to_start_one(alone: Path, skerry: Skerry) -> None:
    ended = skerry("status")
    assert ended.code == 1
    assert "error: server: no server runs on this machine" in ended.err
    assert "try: skerry up" in ended.err


def test_a_cell_whose_engine_nobody_knows_is_told_without_a_server(
    alone: Path, skerry: Skerry, tmp_path: Path
) -> None:
    (tmp_path / "eu-1.yaml").write_text("cell: eu-1\nengine: kubernets\n")
    ended = skerry("plan", str(tmp_path))
    assert ended.code == 1
    assert "eu-1.yaml:2: eu-1/engine" in ended.err
    assert "kubernetes" in ended.err


def test_a_server_that_has_ended_is_said(alone: Path, skerry: Skerry) -> None:
    alone.mkdir()
    record = {"url": "http://127.0.0.1:9", "pid": 2**22 + 1, "version": "0.1.0"}
    (alone / "server.json").write_text(json.dumps(record))
    (alone / "token").write_text("x")
    ended = skerry("status")
    assert "the server has ended" in ended.err
    assert "try: skerry up" in ended.err


def test_a_remote_server_without_a_token_is_refused_before_anything_is_sent(
    fake: FakeServer, skerry: Skerry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SKERRY_TOKEN")
    ended = skerry("status")
    assert "SKERRY_TOKEN is not" in ended.err
    assert fake.asked == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("chekout", "payments/checkout"), ("checkout", "payments/checkout"), ("wep", "web")],
)
def test_a_wrong_name_suggests_the_nearest(
    fake: FakeServer, skerry: Skerry, typed: str, meant: str
) -> None:
    fake.on("GET", "/v1/status", status(service("web"), service("payments/checkout")))
    for command in (["status", typed], ["logs", typed], ["history", typed], ["restart", typed]):
        ended = skerry(*command)
        assert ended.code == 1
        assert f"{typed}: there is no such service; did you mean {meant}?" in ended.err


def test_a_missing_release_of_a_known_service_is_not_a_wrong_name(
    fake: FakeServer, skerry: Skerry
) -> None:
    fake.on("GET", "/v1/status", status(service("web")))
    said = error("not_found", "has no release 99", subject="web", hint="skerry history web")
    fake.on("POST", "/v1/services/default/web/rollback", Refusal(404, said))
    assert skerry("rollback", "web", "--to", "99").err == (
        "error: web: has no release 99\n  try: skerry history web\n"
    )


def test_another_version_of_the_server_is_said_and_goes_on(
    fake: FakeServer, skerry: Skerry
) -> None:
    fake.on("GET", "/healthz", {"ok": True, "version": "9.9.9"})
    fake.on("GET", "/v1/status", status())
    ended = skerry("status")
    assert ended.code == 0
    assert "the server runs 9.9.9" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["scale", "web", "many"],
        ["scale", "web", "auto", "--for", "30m"],
        ["scale", "web", "2", "--for", "soon"],
        ["logs", "web", "--since", "yesterday"],
        ["deploy", "no-such-folder"],
        ["apply"],
        ["status", "-o", "xml"],
        ["init", "--image", "a", "--build", "b"],
    ],
    ids=" ".join,
)
def test_bad_usage_exits_with_2_and_sends_nothing(
    fake: FakeServer, skerry: Skerry, arguments: list[str]
) -> None:
    ended = skerry(*arguments)
    assert ended.code == 2
    assert "Error: " in ended.err
    assert [each for each in fake.asked if each.method != "GET"] == []
