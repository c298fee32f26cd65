"""Roll-outs over the API: in every cell that has the stack, each for itself, audited."""

from typing import Any

from skerry.operations.logbook import Logbook
from tests.api.client import Api
from tests.api.test_fleet import ended, fleet_api
from tests.operations.fleets import Dead, cluster

CELLS = "".join(f"---\ncell: {name}\nengine: kubernetes\n" for name in ("eu-1", "us-1"))
STACK = """
stack: shops
cells: [eu-1]
template: {image: "registry.test/app:{version}", port: none}
values: {version: "1"}
tenants: {a: {}, b: {}, c: {}}
"""


def wanted(text: str = STACK + CELLS, **fields: Any) -> dict[str, Any]:
    sources = {"name": "shop", "texts": [{"path": "s.yaml", "text": text}]}
    return {"sources": sources, "stack": "shops", "version": "2"} | fields


async def applied(here: Api) -> None:
    body = {"sources": wanted()["sources"]}
    await ended(here, await here.call("POST", "/v1/apply", body))


async def test_a_stack_is_rolled_out_in_the_cells_that_have_it() -> None:
    async with fleet_api(cluster("eu-1"), cluster("us-1")) as here:
        await applied(here)
        begun = await here.call("POST", "/v1/rollouts", wanted(waves="1,100%", first=["c"]))
        [end] = await ended(here, begun)
        assert end["operation"]["state"] == "done", end
        assert end["operation"]["subject"] == "stack/shops@eu-1"
        view = (await here.call("GET", "/v1/rollouts")).json
        [one] = view["rollouts"]
        assert (one["stack"], one["cell"], one["state"]) == ("shops", "eu-1", "done")
        assert one["waves"] == [1, 2] and one["finished"] == 3
        assert view["unreachable"] == []


async def test_a_cell_that_is_down_delays_no_roll_out_and_is_named() -> None:
    everywhere = STACK.replace("cells: [eu-1]\n", "") + CELLS
    async with fleet_api(cluster("eu-1"), Dead("us-1")) as here:
        body = {"sources": wanted(everywhere)["sources"]}
        await ended(here, await here.call("POST", "/v1/apply", body))
        begun = await here.call("POST", "/v1/rollouts", wanted(everywhere))
        [end] = await ended(here, begun)
        assert end["operation"]["state"] == "done"
        assert [each["cell"] for each in begun.json["unreachable"]] == ["us-1"]


async def test_a_rollback_is_begun_by_name_alone_and_audited() -> None:
    async with fleet_api(cluster("eu-1"), cluster("us-1")) as here:
        await applied(here)
        await ended(here, await here.call("POST", "/v1/rollouts", wanted()))
        here.store._audit.clear()
        [end] = await ended(here, await here.call("POST", "/v1/rollouts/shops/rollback", {}))
        assert end["operation"]["state"] == "done", end
        [entry] = await here.store.audited()
        assert (entry.allowed, entry.subject) == (True, "stack/shops@eu-1")
        [one] = (await here.call("GET", "/v1/rollouts?stack=shops")).json["rollouts"]
        assert one["back"] is True


async def test_what_is_not_there_is_said_so() -> None:
    async with fleet_api(cluster("eu-1"), cluster("us-1")) as here:
        answer = await here.call("POST", "/v1/rollouts/shops/abort", {})
        assert answer.status == 404
        assert "was never rolled out" in answer.json["error"]["cause"]
        answer = await here.call("POST", "/v1/rollouts", wanted())
        assert answer.status == 404
        assert answer.json["error"]["hint"] == "bring its tenants up first: skerry apply"


async def test_a_roll_out_left_by_a_dead_server_is_taken_up_by_the_next() -> None:
    from skerry.operations.resume import resume
    from tests.operations.world import until

    async with fleet_api(cluster("eu-1"), cluster("us-1")) as here:
        await applied(here)
        begun = await here.call("POST", "/v1/rollouts", wanted(waves="1,100%", bake_seconds=1.5))
        [operation] = begun.json["operations"]
        platform = here.app.state.fleet.platform("eu-1")

        async def bakes() -> bool:
            found = await Logbook(platform, "shops").find()
            return found is not None and found.baking is not None

        await until(bakes)
        await platform.running.close()
        here.store._at_work.clear()  # locks are held by a process, and it is gone
        await resume(here.app.state.fleet)
        end = await here.ended(operation["id"])
        assert end["operation"]["state"] == "done", end
