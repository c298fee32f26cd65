"""Waiting for an operation: quiet lines, its result, and what breaks on the way."""

import json

import pytest

from tests.cli.conftest import Skerry
from tests.cli.fake_server import FakeServer, Refusal, Stream, error
from tests.cli.views import DONE, operation, progress, service, started, status

EVENTS = "/v1/operations/op-1/events"


@pytest.fixture(autouse=True)
def _one_service(fake: FakeServer) -> None:
    fake.on("GET", "/v1/status", status(service("web", release=2)))
    fake.on("POST", "/v1/services/default/web/deploy", started(operation()))
    fake.on("GET", "/v1/operations/op-1", operation())


def test_a_deploy_says_each_thing_once_and_prints_where_the_service_is(
    fake: FakeServer, skerry: Skerry
) -> None:
    waits = [
        progress("waiting", f"0 of 1 replicas ready; web-1 is starting for {age}")
        for age in ("0s", "0s", "9s", "1m30s")
    ]
    fake.on("GET", EVENTS, Stream([progress("applying", "release 2"), *waits, DONE]))
    ended = skerry("deploy", "web", "--image", "ghcr.io/acme/web:2")
    assert ended.code == 0
    assert ended.err.splitlines() == [
        "web applying: release 2",
        "web waiting: 0 of 1 replicas ready; web-1 is starting for 0s",
    ]
    assert ended.out == "  web  running    https://web.localhost\n"
    assert fake.bodies("POST", "/v1/services/default/web/deploy") == [
        {"image": "ghcr.io/acme/web:2"}
    ]


def test_json_is_one_object_with_operation_and_services(fake: FakeServer, skerry: Skerry) -> None:
    fake.on("GET", EVENTS, Stream([progress("done", "release 2 takes traffic"), DONE]))
    ended = skerry("deploy", "web", "--image", "x:2", "-o", "json")
    result = json.loads(ended.out)
    assert result["operation"]["state"] == "done"
    assert [each["name"] for each in result["services"]] == ["web"]
    assert "release 2 takes traffic" in ended.err


def test_a_failed_release_exits_with_1_and_shows_the_last_the_container_said(
    fake: FakeServer, skerry: Skerry
) -> None:
    failure = error(
        "deploy_failed",
        "web-2 exited with 3; release 1 is back",
        subject="service/default/web@local",
        hint="skerry logs web",
        last_lines=["config missing: DATABASE_URL"],
    )
    ended_view = {"operation": operation("failed", error="..."), "failure": failure}
    whole = progress("failed", "web-2 exited with 3", service="")
    fake.on("GET", EVENTS, Stream([whole, ("end", ended_view)]))
    fake.on("GET", "/v1/operations/op-1", operation("failed"))
    ended = skerry("deploy", "web", "--image", "x:2", "-o", "json")
    assert ended.code == 1
    assert json.loads(ended.out)["operation"]["state"] == "failed"
    assert ended.err.splitlines() == [
        "error: service/default/web@local: web-2 exited with 3; release 1 is back",
        "  | config missing: DATABASE_URL",
        "  try: skerry logs web",
    ]


def test_a_server_that_restarts_in_the_middle_is_waited_for(
    fake: FakeServer, skerry: Skerry
) -> None:
    first = Stream([progress("applying", "release 2"), ("cut", None)])
    rest = Stream([progress("applying", "release 2"), progress("done", "all ready"), DONE])
    streams = iter([first, rest])
    fake.on("GET", EVENTS, lambda _asked: next(streams))
    ended = skerry("deploy", "web", "--image", "x:2")
    assert ended.code == 0
    assert ended.err.splitlines() == [
        "web applying: release 2",
        "the server is away; the operation goes on when it is back",
        "web done: all ready",
    ]
    assert [each.headers.get("Last-Event-ID") for each in fake.asked if each.path == EVENTS] == [
        None,
        "1",
    ]


def test_detach_returns_at_once_and_says_how_to_attach(fake: FakeServer, skerry: Skerry) -> None:
    ended = skerry("deploy", "web", "--image", "x:2", "--detach")
    assert ended.code == 0
    assert "attach again: skerry operations op-1" in ended.err
    assert not any(each.path == EVENTS for each in fake.asked)


def test_ctrl_c_leaves_the_operation_alone_and_says_so(
    fake: FakeServer, skerry: Skerry, monkeypatch: pytest.MonkeyPatch
) -> None:
    import _thread

    fake.on(
        "GET",
        EVENTS,
        Stream(
            [progress("applying", "release 2")] * 2 + [DONE],
            between=lambda number: _thread.interrupt_main() if number == 2 else None,
        ),
    )
    ended = skerry("deploy", "web", "--image", "x:2")
    assert ended.code == 130
    assert "operation op-1 goes on without this command" in ended.err
    assert "skerry operations op-1" in ended.err


def test_attaching_again_shows_all_it_said(fake: FakeServer, skerry: Skerry) -> None:
    fake.on("GET", EVENTS, Stream([progress("applying", "release 2"), DONE]))
    ended = skerry("operations", "op-1")
    assert ended.code == 0
    assert "web applying: release 2" in ended.err


def test_a_conflict_is_said_before_anything_is_waited_for(fake: FakeServer, skerry: Skerry) -> None:
    said = error(
        "conflict", "operation op-0 is at it", subject="web", hint="skerry operations op-0"
    )
    fake.on("POST", "/v1/services/default/web/deploy", Refusal(409, said))
    ended = skerry("deploy", "web", "--image", "x:2")
    assert ended.code == 1
    assert "try: skerry operations op-0" in ended.err


@pytest.mark.parametrize(
    ("arguments", "verb", "body"),
    [
        (["rollback", "web"], "rollback", {"to": None}),
        (["rollback", "web", "--to", "3"], "rollback", {"to": 3}),
        (["unhold", "web"], "unhold", {}),
        (["restart", "default/web"], "restart", {}),
        (["scale", "web", "4", "--for", "30m"], "scale", {"replicas": 4, "for_seconds": 1800.0}),
        (["scale", "web", "auto"], "scale", {"replicas": None, "for_seconds": None}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_each_verb_asks_for_its_operation(
    fake: FakeServer, skerry: Skerry, arguments: list[str], verb: str, body: dict[str, object]
) -> None:
    fake.on("GET", "/v1/rollouts", {"rollouts": []})
    fake.on("POST", f"/v1/services/default/web/{verb}", started(operation()))
    fake.on("GET", EVENTS, Stream([DONE]))
    assert skerry(*arguments).code == 0
    assert fake.bodies("POST", f"/v1/services/default/web/{verb}") == [body]
