"""Many cells behind one API: side by side, each for itself, told apart by name."""

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from tests.api.client import Api, api
from tests.api.test_api import documents
from tests.operations.fleets import Dead, Slow, cluster

CELLS = "".join(
    f"---\ncell: {name}\nengine: kubernetes\ncountry: DE\n" for name in ("eu-1", "eu-2")
)
WEB = "service: web\nimage: web:1\n"


def fleet_api(*cells: Any) -> AbstractAsyncContextManager[Api]:
    return api(cells=cells)


async def ended(here: Api, answer: Any) -> list[Any]:
    assert answer.status == 202, answer.body
    return [await here.ended(each["id"]) for each in answer.json["operations"]]


async def test_documents_go_to_the_cells_they_declare_and_status_tells_them_apart() -> None:
    async with fleet_api(cluster("eu-1"), cluster("eu-2"), cluster("us-1")) as here:
        plan = (await here.call("POST", "/v1/plan", documents(WEB + CELLS))).json
        assert [each["cell"] for each in plan["plans"]] == ["eu-1", "eu-2"]
        ends = await ended(here, await here.call("POST", "/v1/apply", documents(WEB + CELLS)))
        assert {each["operation"]["cell"] for each in ends} == {"eu-1", "eu-2"}
        status = (await here.call("GET", "/v1/status")).json
        assert status["cell"] is None
        assert [(each["cell"], each["name"]) for each in status["services"]] == [
            ("eu-1", "web"),
            ("eu-2", "web"),
        ]
        assert [each["cell"] for each in status["cells"]] == ["eu-1", "eu-2", "us-1"]
        one = (await here.call("GET", "/v1/status?cell=eu-2&replicas=true")).json
        assert one["cell"] == "eu-2"
        assert len(one["services"][0]["replicas"]) == 1


async def test_documents_without_a_cell_go_to_every_cell_there_is() -> None:
    async with fleet_api(cluster("eu-1"), cluster("us-1")) as here:
        begun = await here.call("POST", "/v1/apply", documents(WEB))
        assert len(await ended(here, begun)) == 2


async def test_one_more_file_is_one_more_region() -> None:
    async with fleet_api(cluster("eu-1")) as here:
        await ended(here, await here.call("POST", "/v1/apply", documents(WEB)))
        again = await here.call("POST", "/v1/apply", documents(WEB + CELLS))
        (end,) = await ended(here, again)
        assert end["operation"]["cell"] == "eu-2"
        assert [each["unchanged"] for each in again.json["plans"]] == [1, 0]


async def test_only_an_admin_says_what_a_cell_is() -> None:
    moved = WEB + "---\ncell: eu-1\nengine: kubernetes\nkubeconfig: /proc/7/root/tmp/evil\n"
    new = WEB + "---\ncell: us-1\nengine: kubernetes\ncontext: production\n"
    async with fleet_api(cluster("eu-1", country="DE"), cluster("eu-2", country="DE")) as here:
        for text, said in ((moved, "another than the one in force"), (new, "is not known yet")):
            for path, role in (("plan", "viewer"), ("plan", "deployer"), ("apply", "deployer")):
                answer = await here.call("POST", f"/v1/{path}", documents(text), token=role)
                assert answer.status == 403, answer.body
                assert said in answer.json["error"]["cause"]
        repeated = await here.call("POST", "/v1/apply", documents(WEB + CELLS), token="deployer")
        assert len(await ended(here, repeated)) == 2
        refused = (await here.call("GET", "/v1/audit")).json["entries"]
        assert [each["allowed"] for each in refused].count(False) == 2


async def test_a_dead_cell_is_named_and_the_others_go_on() -> None:
    async with fleet_api(cluster("eu-1"), Dead("dead-1"), cluster("us-1")) as here:
        begun = await here.call("POST", "/v1/apply", documents(WEB))
        assert len(await ended(here, begun)) == 2
        (failure,) = begun.json["unreachable"]
        assert failure["cell"] == "dead-1"
        assert failure["reason"] == "cell/dead-1: connection refused"
        status = (await here.call("GET", "/v1/status")).json
        assert {each["cell"]: each["reachable"] for each in status["cells"]} == {
            "dead-1": False,
            "eu-1": True,
            "us-1": True,
        }
        assert {each["cell"] for each in status["services"]} == {"eu-1", "us-1"}
        restarted = await here.call("POST", "/v1/services/default/web/restart", {})
        assert len(await ended(here, restarted)) == 2
        assert [each["cell"] for each in restarted.json["unreachable"]] == ["dead-1"]


async def test_when_no_cell_answers_the_error_is_the_answer() -> None:
    async with fleet_api(Dead("dead-1"), Dead("dead-2")) as here:
        answer = await here.call("GET", "/v1/status")
        assert answer.status == 200  # each has a reason of its own
        assert [each["reachable"] for each in answer.json["cells"]] == [False, False]
    async with fleet_api(Dead("dead-1")) as here:
        answer = await here.call("GET", "/v1/status")
        assert answer.status == 502
        assert answer.json["error"]["subject"] == "cell/dead-1"


async def test_a_cell_that_does_not_answer_in_time_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("skerry.operations.everywhere.LOOK_SECONDS", 0.2)
    async with fleet_api(cluster("eu-1"), Slow("slow-1", seconds=30)) as here:
        status = (await here.call("GET", "/v1/status")).json
        reasons = {each["cell"]: each["reason"] for each in status["cells"]}
        assert reasons == {"eu-1": "", "slow-1": "cell/slow-1: did not answer within 0s"}


async def test_exactly_the_plans_that_were_agreed_to() -> None:
    async with fleet_api(cluster("eu-1"), cluster("eu-2")) as here:
        plan = (await here.call("POST", "/v1/plan", documents(WEB))).json
        digests = {each["cell"]: each["digest"] for each in plan["plans"]}
        assert plan["digest"] not in digests.values()
        one = await here.call("POST", "/v1/apply", {**documents(WEB), "plan": plan["digest"]})
        assert one.status == 400
        agreed = {"plan": {"eu-1": digests["eu-1"]}}
        begun = await here.call("POST", "/v1/apply", {**documents(WEB), **agreed})
        (end,) = await ended(here, begun)
        assert end["operation"]["cell"] == "eu-1"
        both = {"plan": digests}
        stale = await here.call("POST", "/v1/apply", {**documents(WEB), **both})
        assert [each["cell"] for each in stale.json["unreachable"]] == ["eu-1"]
        assert stale.json["unreachable"][0]["error"]["code"] == "conflict"
        assert [each["cell"] for each in stale.json["operations"]] == ["eu-2"]


async def test_a_change_is_audited_once_however_many_cells() -> None:
    async with fleet_api(cluster("eu-1"), cluster("eu-2")) as here:
        await ended(here, await here.call("POST", "/v1/apply", documents(WEB)))
        entries = (await here.call("GET", "/v1/audit")).json["entries"]
        assert [(each["action"], each["allowed"]) for each in entries] == [("apply", True)]


async def test_what_reaches_into_a_replica_needs_one_cell() -> None:
    async with fleet_api(cluster("eu-1"), cluster("eu-2")) as here:
        await ended(here, await here.call("POST", "/v1/apply", documents(WEB)))
        several = await here.call("GET", "/v1/services/default/web")
        assert several.status == 400
        assert "eu-1, eu-2" in several.json["error"]["cause"]
        one = await here.call("GET", "/v1/services/default/web?cell=eu-2")
        assert one.json["cell"] == "eu-2"
        (start, *_) = await here.socket("/v1/services/default/web/exec?command=ls")
        assert start["status"] == 400
        frames = await here.socket("/v1/services/default/web/exec?command=ls&cell=eu-1")
        assert frames[0]["type"] == "websocket.accept"
        to = await here.call("POST", "/v1/services/default/web/rollback", {"to": 1})
        assert to.status == 400


async def test_history_and_logs_say_the_cell() -> None:
    async with fleet_api(cluster("eu-1"), Dead("dead-1"), cluster("eu-2")) as here:
        await ended(here, await here.call("POST", "/v1/apply", documents(WEB)))
        history = (await here.call("GET", "/v1/services/default/web/history")).json
        assert [(each["cell"], each["number"]) for each in history["releases"]] == [
            ("eu-1", 1),
            ("eu-2", 1),
        ]
        assert [each["cell"] for each in history["unreachable"]] == ["dead-1"]
        logs = (await here.call("GET", "/v1/services/default/web/logs")).events
        assert {data["cell"] for _, name, data in logs if name == "line"} == {"eu-1", "eu-2"}
        assert [data["cell"] for _, name, data in logs if name == "failed"] == ["dead-1"]


async def test_cells_at_a_glance_and_one_forgotten() -> None:
    async with fleet_api(cluster("eu-1", country="DE"), Dead("dead-1")) as here:
        found = (await here.call("GET", "/v1/cells")).json["cells"]
        assert [(each["cell"], each["reachable"]) for each in found] == [
            ("dead-1", False),
            ("eu-1", True),
        ]
        assert found[1]["country"] == "DE"
        assert found[1]["version"] == "memory"
        assert (await here.call("DELETE", "/v1/cells/dead-1")).status == 204
        found = (await here.call("GET", "/v1/cells")).json["cells"]
        assert [each["cell"] for each in found] == ["eu-1"]
        unknown = await here.call("GET", "/v1/status?cell=nowhere")
        assert unknown.status == 404
        assert "known are: eu-1" in unknown.json["error"]["cause"]


async def test_down_takes_a_repository_from_every_cell() -> None:
    async with fleet_api(cluster("eu-1"), cluster("eu-2")) as here:
        await ended(here, await here.call("POST", "/v1/apply", documents(WEB)))
        down = await here.call("POST", "/v1/down", {"repository": "shop"})
        assert len(await ended(here, down)) == 2
        assert (await here.call("GET", "/v1/status")).json["services"] == []
