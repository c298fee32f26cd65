"""Applying documents, on the memory engine."""

import pytest

from skerry.errors import Conflict, Forbidden, InvalidDocuments, NotFound
from skerry.model.progress import OperationState, Stage
from skerry.model.world import State
from tests.builders import service
from tests.operations.world import PAYMENTS, FakeSecrets, world

WEB = service("web").image("web:1").replicas(2)


async def test_two_lines_become_a_running_service() -> None:
    async with world() as here:
        ended = await here.apply(WEB)
        assert ended.state is OperationState.DONE
        state = await here.state("web")
        assert state is not None
        assert (state.state, state.ready, state.release) == (State.RUNNING, 2, 1)
        assert await here.verdicts("web") == [(1, "deployed")]


async def test_planning_after_applying_is_empty() -> None:
    async with world() as here:
        await here.apply(WEB)
        assert (await here.plan(WEB)).plan.empty
        ended = await here.apply(WEB)
        assert ended.state is OperationState.DONE
        assert await here.verdicts("web") == [(1, "deployed")]


async def test_a_plan_that_is_another_by_now_is_not_applied() -> None:
    async with world() as here:
        digest = (await here.plan(WEB)).plan.digest
        with pytest.raises(Conflict, match="not what it was"):
            await here.begin(WEB.image("web:2"), expected=digest)
        ended = await here.apply(WEB, expected=digest)
        assert ended.state is OperationState.DONE


@pytest.mark.parametrize("fault", ["exits", "missing"])
async def test_a_release_that_cannot_start_is_undone(fault: str) -> None:
    async with world() as here:
        await here.apply(WEB)
        before = await here.state("web")
        ended = await here.apply(WEB.image(f"fault/{fault}:1"))
        assert ended.state is OperationState.FAILED
        after = await here.state("web")
        assert before is not None and after is not None
        assert (after.state, after.ready, after.image) == (State.RUNNING, 2, "web:1")
        assert [each.name for each in after.replicas] == [each.name for each in before.replicas]
        assert after.release == 1
        assert await here.verdicts("web") == [(2, "failed"), (1, "deployed")]


async def test_a_failure_says_the_last_the_container_said() -> None:
    async with world() as here:
        await here.apply(WEB)
        ended = await here.apply(WEB.image("fault/exits:1"))
        last = (await here.said(ended))[-1]
        assert last.stage is Stage.FAILED
        assert "fatal: told to fail" in last.last_lines


async def test_a_release_not_ready_by_its_deadline_is_undone() -> None:
    async with world() as here:
        await here.apply(WEB)
        ended = await here.apply(WEB.image("fault/never-ready:1").having(deadline="300ms"))
        assert ended.state is OperationState.FAILED
        assert "not done after 300ms" in ended.error
        state = await here.state("web")
        assert state is not None and state.image == "web:1"
        assert state.state is State.RUNNING


async def test_a_first_release_that_fails_leaves_nothing() -> None:
    async with world() as here:
        ended = await here.apply(service("web").image("fault/exits:1"))
        assert ended.state is OperationState.FAILED
        assert await here.state("web") is None
        assert await here.verdicts("web") == [(1, "failed")]
        assert ended.hint == "skerry history web", "its logs are gone with it"


async def test_what_depends_on_a_failed_service_is_not_started_and_the_rest_is() -> None:
    async with world() as here:
        ended = await here.apply(
            service("db").image("fault/exits:1"),
            service("api").depends("db"),
            service("page").depends("api"),
            service("other"),
        )
        assert ended.state is OperationState.FAILED
        assert "3 of 4" in ended.error
        assert await here.state("api") is None
        assert await here.state("page") is None
        other = await here.state("other")
        assert other is not None and other.state is State.RUNNING


async def test_what_is_depended_on_is_up_before_its_clients_start() -> None:
    async with world(start_seconds=0.1) as here:
        ended = await here.apply(service("api").depends("db"), service("db"))
        acts = [
            (each.stage, each.service)
            for each in await here.said(ended)
            if each.stage in (Stage.APPLYING, Stage.DONE)
        ]
        assert acts.index((Stage.DONE, "db")) < acts.index((Stage.APPLYING, "api"))


async def test_a_service_no_longer_declared_goes() -> None:
    async with world() as here:
        await here.apply(WEB, service("old"))
        await here.apply(WEB)
        assert await here.state("old") is None
        assert await here.state("web") is not None


async def test_only_some_services_leaves_the_others_alone() -> None:
    async with world() as here:
        await here.apply(WEB, service("api"), only=("web",))
        assert await here.state("api") is None
        with pytest.raises(NotFound, match="nothing"):
            await here.plan(WEB, only=("nothing",))


async def test_before_runs_once_and_its_failure_stops_the_release() -> None:
    async with world() as here:
        await here.apply(WEB)
        ended = await here.apply(WEB.image("web:2").having(before=["exit", "3"]))
        assert ended.state is OperationState.FAILED
        assert "exited 3" in ended.error
        state = await here.state("web")
        assert state is not None and state.image == "web:1"
        stages = [each.stage for each in await here.said(ended)]
        assert Stage.APPLYING not in stages and Stage.RESTORING not in stages


async def test_before_that_ends_well_is_followed_by_the_release() -> None:
    async with world() as here:
        ended = await here.apply(WEB.having(before=["echo", "migrated"]))
        assert ended.state is OperationState.DONE
        lines = [each.last_lines for each in await here.said(ended) if each.stage is Stage.BEFORE]
        assert ("migrated",) in lines


async def test_one_writer_at_a_time() -> None:
    async with world(start_seconds=5) as here:
        await here.begin(WEB)
        with pytest.raises(Conflict, match="is being changed"):
            await here.begin(WEB.image("web:2"))


async def test_a_wait_explains_itself_every_few_seconds() -> None:
    async with world(start_seconds=3.6) as here:
        ended = await here.apply(WEB)
        waits = [each for each in await here.said(ended) if each.stage is Stage.WAITING]
        assert len(waits) >= 2
        assert all(each.since is not None for each in waits)
        assert len(waits[-1].replicas) == 2


async def test_documents_outside_the_tokens_scope_are_refused_by_name() -> None:
    async with world() as here:
        with pytest.raises(Forbidden, match="default"):
            await here.plan(WEB, service("pay").team("payments"), by=PAYMENTS)
        ended = await here.apply(service("pay").team("payments"), by=PAYMENTS)
        assert ended.state is OperationState.DONE


async def test_a_door_into_anothers_namespace_is_refused_too() -> None:
    async with world() as here:
        await here.apply(service("db"))
        with pytest.raises(Forbidden, match="default"):
            await here.begin(
                service("db"), service("pay").team("payments").depends("default/db"), by=PAYMENTS
            )


async def test_every_secret_that_is_not_set_is_named_at_once() -> None:
    async with world(secrets=FakeSecrets({"known": "v"})) as here:
        wanting = WEB.secret("A", "store:a").secret("B", "store:b").secret("C", "store:known")
        with pytest.raises(InvalidDocuments) as raised:
            await here.plan(wanting)
        assert [each.path for each in raised.value.problems] == ["web/secrets/A", "web/secrets/B"]
        assert "skerry secrets set a" in raised.value.problems[0].hint


async def test_a_secret_of_the_services_own_namespace_is_the_one_that_counts() -> None:
    async with world(secrets=FakeSecrets({"db": "the default namespace's"})) as here:
        wanting = service("pay").team("payments").secret("DB", "store:db")
        with pytest.raises(InvalidDocuments, match="store:payments/db is not set") as raised:
            await here.plan(wanting, by=PAYMENTS)
        assert raised.value.problems[0].hint == "skerry secrets set payments/db"
