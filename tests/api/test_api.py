"""The API as its clients see it."""

import asyncio
import base64
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from skerry.api import guard
from skerry.operations import deploy
from tests.api.client import Api, api
from tests.builders import service
from tests.operations.world import FakeSecrets

PLANTED = "pl4nted-s3cret-value"


def documents(text: str, **contents: bytes) -> dict[str, Any]:
    sources = {
        "name": "shop",
        "texts": [{"path": "a.yaml", "text": text}],
        "contents": {path: base64.b64encode(data).decode() for path, data in contents.items()},
    }
    return {"sources": sources}


WEB = "service: web\nimage: web:1\n"


def the_only(answer: Any, what: str = "operations") -> Any:
    """The operation, or the plan, of the one cell there is."""
    assert answer.json["unreachable"] == []
    (found,) = answer.json[what]
    return found


async def applied(here: Api, text: str = WEB, **more: Any) -> Any:
    answer = await here.call("POST", "/v1/apply", {**documents(text), **more})
    assert answer.status == 202, answer.body
    return await here.ended(the_only(answer)["id"])


async def test_plan_then_apply_then_nothing_to_do() -> None:
    async with api() as here:
        answer = await here.call("POST", "/v1/plan", documents(WEB), token="viewer")
        plan = the_only(answer, "plans")
        assert answer.json["digest"] == plan["digest"]
        assert [each["action"] for each in plan["changes"]] == ["create"]
        assert "objects" not in plan
        end = await applied(here, plan=plan["digest"])
        assert end["operation"]["state"] == "done" and end["failure"] is None
        status = (await here.call("GET", "/v1/status")).json
        assert status["cell"] == "local"
        assert [(each["name"], each["state"]) for each in status["services"]] == [
            ("web", "running")
        ]
        one = (await here.call("GET", "/v1/services/default/web")).json
        assert len(one["replicas"]) == one["ready"] == 1
        again = the_only(await here.call("POST", "/v1/plan", documents(WEB)), "plans")
        assert (again["changes"], again["unchanged"]) == ([], 1)


async def test_all_compiled_objects_where_they_are_asked_for() -> None:
    async with api() as here:
        await applied(here)
        body = {**documents(WEB), "objects": True}
        plan = the_only(await here.call("POST", "/v1/plan", body), "plans")
        assert "Deployment" in {each["kind"] for each in plan["objects"]}
        assert plan["changes"] == []


async def test_every_problem_at_once_with_file_and_line() -> None:
    async with api() as here:
        answer = await here.call(
            "POST", "/v1/plan", documents("service: web\nimage: web:1\nprot: 80\nport: 0\n")
        )
        assert answer.status == 422
        error = answer.json["error"]
        assert error["code"] == "invalid"
        assert [(each["file"], each["line"]) for each in error["problems"]] == [
            ("a.yaml", 3),
            ("a.yaml", 4),
        ]


async def test_a_failed_deploy_ends_with_the_containers_last_lines() -> None:
    async with api() as here:
        await applied(here)
        end = await applied(here, "service: web\nimage: fault/exits:1\n")
        assert end["operation"]["state"] == "failed"
        assert end["failure"]["code"] == "deploy_failed"
        assert end["failure"]["subject"] == "service/default/web@local"
        assert "fatal: told to fail" in end["failure"]["last_lines"]
        history = (await here.call("GET", "/v1/services/default/web/history")).json
        assert [
            (each["number"], each["verdict"], each["current"]) for each in history["releases"]
        ] == [
            (2, "failed", False),
            (1, "deployed", True),
        ]


async def test_events_go_on_where_they_were_left() -> None:
    async with api() as here:
        end = await applied(here)
        url = f"/v1/operations/{end['operation']['id']}/events"
        everything = (await here.call("GET", url)).events
        numbers = [int(id) for id, name, _ in everything if name == "progress"]
        assert numbers == list(range(1, len(numbers) + 1))
        rest = (await here.call("GET", url, headers={"last-event-id": "2"})).events
        assert rest == everything[2:]
        assert rest[-1][1] == "end"


async def test_an_operation_outlives_the_client_that_began_it() -> None:
    async with api(start_seconds=0.3) as here:
        begun = the_only(await here.call("POST", "/v1/apply", documents(WEB)))
        assert begun["state"] == "running"
        url = f"/v1/operations/{begun['id']}/events"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(here.call("GET", url), 0.1)
        assert (await here.ended(begun["id"]))["operation"]["state"] == "done"


async def test_a_second_writer_is_told_who_is_at_it() -> None:
    async with api(start_seconds=5) as here:
        await here.call("POST", "/v1/apply", documents(WEB))
        answer = await here.call("POST", "/v1/services/default/web/restart", {})
        assert answer.status == 409
        assert "is being changed" in answer.json["error"]["cause"]


async def test_logs_come_as_events_and_end() -> None:
    async with api() as here:
        await applied(here)
        answer = await here.call("GET", "/v1/services/default/web/logs?tail=5")
        assert answer.headers["content-type"].startswith("text/event-stream")
        names = [name for _, name, _ in answer.events]
        assert names == ["line", "end"]
        assert "listens" in answer.events[0][2]["text"]
        assert (await here.call("GET", "/v1/services/default/no/logs")).status == 404


async def test_a_process_over_a_socket() -> None:
    async with api() as here:
        await applied(here)
        url = "/v1/services/default/web/run?command=sh&command=-c&command=echo%20hi;%20exit%203"
        said = await here.socket(url)
        assert [each["type"] for each in said] == [
            "websocket.accept",
            "websocket.send",
            "websocket.send",
            "websocket.close",
        ]
        assert said[1]["bytes"] == b"\x01hi\n"
        assert json.loads(said[2]["text"]) == {"exit": 3}
        url = "/v1/services/default/web/exec?command=cat"
        said = await here.socket(
            url, '{"resize": [40, 120]}', b"input", "nonsense", '{"eof": true}'
        )
        assert said[1]["bytes"] == b"\x01input"
        (entry, *_) = await here.store.audited()
        assert (entry.action, entry.by, entry.allowed) == ("exec_", "admin", True)


async def test_a_process_for_a_service_that_is_not_here_is_refused_as_http() -> None:
    async with api() as here:
        said = await here.socket("/v1/services/default/no/run?command=ls")
        assert said[0]["status"] == 404
        assert json.loads(said[1]["body"])["error"]["code"] == "not_found"


async def test_images_are_built_from_a_stream() -> None:
    async with api() as here:
        url = "/v1/images?image=localhost/skerry/here:1"
        assert (await here.call("GET", url)).json == {"here": True}
        built = await here.call(
            "POST",
            "/v1/builds?image=localhost/skerry/web:abc",
            raw=b"x" * 5000,
            headers={"content-type": "application/x-tar"},
        )
        assert [name for _, name, _ in built.events] == ["line", "done"]
        other = await here.call("POST", "/v1/builds?image=docker.io/library/redis:7", raw=b"x")
        assert other.status == 400


async def test_tokens_are_given_once_and_can_be_revoked() -> None:
    async with api() as here:
        body = {"name": "ci", "role": "deployer", "namespaces": ["payments"], "expires_seconds": 60}
        made = await here.call("POST", "/v1/tokens", body)
        assert made.status == 201
        token = made.json["token"]
        listed = (await here.call("GET", "/v1/tokens")).json["tokens"]
        assert token not in json.dumps(listed)
        assert (await here.call("GET", "/v1/status", token=token)).status == 200
        assert (await here.call("DELETE", f"/v1/tokens/{made.json['id']}")).status == 204
        assert (await here.call("GET", "/v1/status", token=token)).status == 401
        assert (await here.call("POST", "/v1/tokens", {"name": "admin"})).status == 409


async def test_a_mutation_is_audited_once_allowed_or_refused() -> None:
    async with api() as here:
        await applied(here)
        await here.call("POST", "/v1/apply", documents(WEB), token="payer")
        await here.call("POST", "/v1/services/default/web/restart", {}, token="viewer")
        entries = (await here.call("GET", "/v1/audit")).json["entries"]
        told = [(each["action"], each["by"], each["allowed"]) for each in reversed(entries)]
        assert told == [
            ("apply", "admin", True),
            ("apply", "payer", False),
            ("restart", "viewer", False),
        ]
        assert entries[-1]["subject"] == "repository/shop"


@pytest.mark.parametrize("path", ["plan", "apply", "rollouts", "rollouts/eu/resume"])
async def test_documents_of_ten_thousand_tenants_are_not_too_large(path: str) -> None:
    async with api() as here:
        raw = b'{"sources": "' + b"x" * (2 << 20) + b'"}'
        answer = await here.call("POST", f"/v1/{path}", raw=raw)
        assert answer.status == 422  # read, and found to be no documents


async def test_what_is_too_large_is_refused_before_it_is_read() -> None:
    async with api() as here:
        large = b'{"value": "' + b"x" * guard.BODY_BYTES + b'"}'
        answer = await here.call("PUT", "/v1/secrets/default/a", raw=large)
        assert answer.status == 413
        assert answer.json["error"]["code"] == "too_large"
        lying = await here.call(
            "PUT", "/v1/secrets/default/a", raw=large, headers={"content-length": "10"}
        )
        assert lying.status == 413


async def test_documents_of_several_megabytes_are_taken() -> None:
    async with api() as here:
        text = WEB + "# " + "x" * (5 << 20)
        answer = await here.call("POST", "/v1/plan", documents(text))
        assert answer.status in (200, 422)


async def test_answers_carry_headers_that_keep_browsers_out() -> None:
    async with api() as here:
        answer = await here.call("GET", "/v1/status", headers={"origin": "https://evil.test"})
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers


async def test_a_fault_of_our_own_shows_no_internals(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with api() as here:

        async def broken(*_: Any, **__: Any) -> None:
            raise ZeroDivisionError("internal detail")

        monkeypatch.setattr(deploy, "plan", broken)
        answer = await here.call("POST", "/v1/plan", documents(WEB))
        assert answer.status == 500
        assert "internal detail" not in answer.body.decode()
        assert "internal detail" in caplog.text


async def test_stopping_with_the_gateway_needs_an_empty_cell() -> None:
    async with api() as here:
        await applied(here)
        assert (await here.call("POST", "/v1/stop", {"gateway": True})).status == 409
        assert here.stopped == []
        down = await here.call("POST", "/v1/down", {})
        await here.ended(the_only(down)["id"])
        assert (await here.call("POST", "/v1/stop", {"gateway": True})).status == 202
        assert here.stopped == [True]


async def test_a_secrets_value_comes_back_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with api() as here:
        assert isinstance(here.secrets, FakeSecrets)
        answers = [
            await here.call("PUT", "/v1/secrets/default/db", {"value": PLANTED}),
            await here.call("PUT", "/v1/secrets/default/db", {"value": PLANTED, "more": 1}),
            await here.call("PUT", "/v1/secrets/default/db", {"value": [PLANTED]}),
            await here.call("PUT", "/v1/secrets/default/..", {"value": PLANTED}),
            await here.call("GET", "/v1/secrets"),
        ]
        assert here.secrets.values == {"db": PLANTED}
        text = WEB + "secrets: {DB: store:db}\nbefore: [echo, hi]\n"
        answers.append(await here.call("POST", "/v1/plan", {**documents(text), "objects": True}))
        end = await applied(here, text)
        await applied(here, text.replace("web:1", "fault/exits:1"))
        for url in (
            "/v1/status",
            "/v1/services/default/web",
            "/v1/services/default/web/history",
            "/v1/operations",
            f"/v1/operations/{end['operation']['id']}/events",
            "/v1/audit",
        ):
            answers.append(await here.call("GET", url))
        assert all(PLANTED.encode() not in each.body for each in answers)
        kept = repr([vars(here.store), [vars(each) for each in caplog.records]])
        assert PLANTED not in kept.replace(repr(here.secrets.values), "")


async def test_a_service_is_found_by_its_own_namespace() -> None:
    async with api() as here:
        await here.world.apply(service("pay").team("payments"))
        assert (await here.call("GET", "/v1/services/payments/pay", token="peeker")).status == 200
        assert (await here.call("GET", "/v1/services/default/pay")).status == 404


async def test_secrets_are_set_listed_and_deleted_within_a_tokens_namespaces_only() -> None:
    async with api() as here:
        for path, status in (("default/db", 403), ("payments/db", 204), ("payments/a", 204)):
            answer = await here.call("PUT", f"/v1/secrets/{path}", {"value": "v"}, token="payer")
            assert answer.status == status, path
        assert (await here.call("PUT", "/v1/secrets/default/db", {"value": "v"})).status == 204
        assert sorted(here.secrets.values) == ["db", "payments/a", "payments/db"]
        everything = {"secrets": ["db", "payments/a", "payments/db"]}
        assert (await here.call("GET", "/v1/secrets")).json == everything
        mine = await here.call("GET", "/v1/secrets", token="payer")
        assert mine.json == {"secrets": ["payments/a", "payments/db"]}
        for path, status in (("default/db", 403), ("payments/db", 204), ("payments/db", 404)):
            answer = await here.call("DELETE", f"/v1/secrets/{path}", token="payer")
            assert answer.status == status, path
        refused = [each for each in await here.store.audited() if not each.allowed]
        assert [each.subject for each in refused] == ["/v1/secrets/default/db"] * 2


async def test_nobody_prints_another_namespaces_secret_from_a_container() -> None:
    async with api() as here:
        await here.call("PUT", "/v1/secrets/default/db", {"value": PLANTED})
        pay = "service: pay\nteam: payments\nimage: pay:1\n"
        answer = await here.call(
            "POST",
            "/v1/apply",
            documents(f"{pay}secrets: {{DB: store:default/db}}\n"),
            token="payer",
        )
        assert answer.status == 422
        (problem,) = answer.json["error"]["problems"]
        assert (problem["line"], problem["path"]) == (4, "pay/secrets/DB")
        assert problem["hint"].startswith("skerry secrets set payments/db, ")
        plain = documents(f"{pay}secrets: {{DB: store:db}}\n")
        answer = await here.call("POST", "/v1/apply", plain, token="payer")
        assert answer.status == 422
        (problem,) = answer.json["error"]["problems"]
        assert problem["hint"] == "skerry secrets set payments/db"
        assert PLANTED.encode() not in answer.body
