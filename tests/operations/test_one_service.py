"""Operations on one service: roll back, hold, scale, restart, remove, look."""

import pytest

from skerry.errors import Conflict, NotFound, Refused
from skerry.model.cell import Cell, EngineKind
from skerry.model.progress import OperationState, Stage
from skerry.model.world import State
from skerry.operations.delete import delete, down
from skerry.operations.history import history
from skerry.operations.image import deploy_image
from skerry.operations.reach import run_beside
from skerry.operations.restart import restart
from skerry.operations.rollback import rollback
from skerry.operations.scale import scale
from skerry.operations.unhold import unhold
from skerry.operations.volumes import volumes
from tests.builders import service
from tests.operations.world import ADMIN, PAYMENTS, World, key, world

WEB = service("web").image("web:1").replicas(2)


async def two_releases(here: World) -> None:
    await here.apply(WEB)
    await here.apply(WEB.image("web:2"))


async def test_rollback_needs_no_version_and_holds() -> None:
    async with world() as here:
        await two_releases(here)
        ended = await here.ended(await rollback(here.platform, key("web"), by=ADMIN))
        assert ended.state is OperationState.DONE
        state = await here.state("web")
        assert state is not None and state.hold is not None
        assert (state.image, state.release, state.ready) == ("web:1", 3, 2)
        assert state.hold.by == "ada"


async def test_rollback_passes_over_releases_that_never_came_up() -> None:
    async with world() as here:
        await two_releases(here)
        await here.apply(WEB.image("fault/exits:1"))
        await here.ended(await rollback(here.platform, key("web"), by=ADMIN))
        state = await here.state("web")
        assert state is not None and state.image == "web:1"


async def test_rollback_to_a_number() -> None:
    async with world() as here:
        await two_releases(here)
        await here.apply(WEB.image("web:3"))
        await here.ended(await rollback(here.platform, key("web"), to=1, by=ADMIN))
        state = await here.state("web")
        assert state is not None and state.image == "web:1"
        with pytest.raises(NotFound, match="no release 99"):
            await rollback(here.platform, key("web"), to=99, by=ADMIN)


async def test_rollback_without_an_earlier_release_says_so() -> None:
    async with world() as here:
        await here.apply(WEB)
        with pytest.raises(NotFound, match="no earlier release"):
            await rollback(here.platform, key("web"), by=ADMIN)


async def test_a_held_service_is_left_alone_until_its_document_changes() -> None:
    async with world() as here:
        await here.apply(WEB)
        await here.ended(await deploy_image(here.platform, key("web"), "web:hot", by=ADMIN))
        planned = (await here.plan(WEB)).plan
        assert planned.empty and len(planned.held) == 1
        await here.apply(WEB)
        held = await here.state("web")
        assert held is not None and held.image == "web:hot"
        await here.apply(WEB.image("web:2"))
        free = await here.state("web")
        assert free is not None and (free.image, free.hold) == ("web:2", None)


async def test_unhold_rolls_nothing_and_the_next_apply_does() -> None:
    async with world() as here:
        await here.apply(WEB)
        await here.ended(await deploy_image(here.platform, key("web"), "web:hot", by=ADMIN))
        before = await here.state("web")
        await here.ended(await unhold(here.platform, key("web"), by=ADMIN))
        after = await here.state("web")
        assert before is not None and after is not None
        assert after.hold is None
        assert [each.name for each in after.replicas] == [each.name for each in before.replicas]
        await here.apply(WEB)
        state = await here.state("web")
        assert state is not None and state.image == "web:1"


async def test_a_failed_image_leaves_the_service_held_as_it_was() -> None:
    async with world() as here:
        await here.apply(WEB)
        await here.ended(await deploy_image(here.platform, key("web"), "web:hot", by=ADMIN))
        before = await here.state("web")
        ended = await here.ended(
            await deploy_image(here.platform, key("web"), "fault/exits:2", by=ADMIN)
        )
        after = await here.state("web")
        assert ended.state is OperationState.FAILED
        assert before is not None and after is not None
        assert (after.image, after.hold, after.state) == ("web:hot", before.hold, State.RUNNING)


async def test_a_failed_image_on_a_free_service_leaves_it_free() -> None:
    async with world() as here:
        await here.apply(WEB)
        await here.ended(await deploy_image(here.platform, key("web"), "fault/exits:2", by=ADMIN))
        state = await here.state("web")
        assert state is not None and (state.image, state.hold) == ("web:1", None)
        assert (await here.plan(WEB)).plan.empty


async def test_scaling_by_hand_expires_by_itself() -> None:
    async with world() as here:
        await here.apply(WEB)
        operation = await scale(here.platform, key("web"), replicas=4, for_seconds=0.4, by=ADMIN)
        assert (await here.ended(operation)).state is OperationState.DONE
        scaled = await here.state("web")
        assert scaled is not None and (scaled.ready, scaled.desired) == (4, 4)
        await here.platform.clock.sleep(0.5)
        after = await here.state("web")
        assert after is not None and after.desired == 2


@pytest.mark.parametrize("fault", ["exits", "never-ready"])
async def test_more_replicas_that_do_not_come_up_are_taken_back(fault: str) -> None:
    resting = service("web").image(f"fault/{fault}:1").replicas(0).having(deadline="300ms")
    async with world() as here:
        await here.apply(resting)
        operation = await here.ended(await scale(here.platform, key("web"), replicas=2, by=ADMIN))
        assert operation.state is OperationState.FAILED
        assert operation.hint == "skerry logs web"
        state = await here.state("web")
        assert state is not None
        assert (state.override, state.desired, state.state) == (None, 0, State.STOPPED)
        last = (await here.said(operation))[-2]
        assert last.stage is Stage.FAILED
        assert last.message.endswith("the document's count is wanted again")


async def test_what_was_set_by_hand_before_is_back_when_more_does_not_come_up() -> None:
    resting = service("web").image("fault/exits:1").replicas(0).having(deadline="300ms")
    async with world() as here:
        await here.apply(resting)
        await here.ended(await scale(here.platform, key("web"), replicas=0, by=PAYMENTS))
        operation = await here.ended(await scale(here.platform, key("web"), replicas=2, by=ADMIN))
        assert operation.state is OperationState.FAILED
        state = await here.state("web")
        assert state is not None and state.override is not None
        assert (state.override.replicas, state.override.by) == (0, PAYMENTS.name)


async def test_scaling_to_nothing_and_back() -> None:
    async with world() as here:
        await here.apply(WEB)
        await here.ended(await scale(here.platform, key("web"), replicas=0, by=ADMIN))
        stopped = await here.state("web")
        assert stopped is not None and stopped.state is State.STOPPED
        await here.ended(await scale(here.platform, key("web"), replicas=None, by=ADMIN))
        back = await here.state("web")
        assert back is not None and back.ready == 2


async def test_a_service_with_a_volume_has_one_writer() -> None:
    async with world() as here:
        await here.apply(service("db").volume("data", "/data"))
        with pytest.raises(Refused, match="one writer"):
            await scale(here.platform, key("db"), replicas=2, by=ADMIN)


async def test_a_restart_replaces_every_replica_without_a_release() -> None:
    async with world() as here:
        await here.apply(WEB)
        before = await here.state("web")
        await here.ended(await restart(here.platform, key("web"), by=ADMIN))
        after = await here.state("web")
        assert before is not None and after is not None
        assert not {each.name for each in before.replicas} & {each.name for each in after.replicas}
        assert await here.verdicts("web") == [(1, "deployed")]


async def test_removing_a_service_keeps_its_volume_and_history() -> None:
    async with world() as here:
        await here.apply(service("db").volume("data", "/data"))
        await here.ended(await delete(here.platform, key("db"), volumes=False, by=ADMIN))
        assert await here.state("db") is None
        assert [each.service for each in await volumes(here.platform, by=ADMIN)] == [key("db")]
        assert (await history(here.platform, key("db"))).current is None
        await here.ended(await down(here.platform, repository=None, volumes=True, by=ADMIN))
        assert await volumes(here.platform, by=ADMIN) == ()


async def test_down_removes_one_repositorys_services_clients_first() -> None:
    async with world() as here:
        await here.apply(service("api").depends("db"), service("db"))
        ended = await here.ended(
            await down(here.platform, repository="other", volumes=False, by=ADMIN)
        )
        assert ended.state is OperationState.DONE and await here.state("db") is not None
        ended = await here.ended(
            await down(here.platform, repository="shop", volumes=False, by=ADMIN)
        )
        order = [each.service for each in await here.said(ended) if each.message == "gone"]
        assert order == ["api", "db"]


async def test_what_is_not_here_is_not_found() -> None:
    async with world() as here:
        for act in (
            restart(here.platform, key("no"), by=ADMIN),
            rollback(here.platform, key("no"), by=ADMIN),
            unhold(here.platform, key("no"), by=ADMIN),
            scale(here.platform, key("no"), replicas=1, by=ADMIN),
            delete(here.platform, key("no"), volumes=False, by=ADMIN),
            run_beside(here.platform, key("no"), ["ls"], tty=False),
        ):
            with pytest.raises(NotFound):
                await act


async def test_documents_of_an_empty_server_say_what_its_cell_is_and_later_ones_do_not() -> None:
    async with world() as here:
        declared = Cell(cell="isle", domain="isle.test")
        here.declare(declared)
        await here.apply(WEB)
        assert here.platform.engine.cell == declared
        here.declare(declared.model_copy(update={"domain": "other.test"}))
        with pytest.raises(Conflict, match=r"domain other.test \(is isle.test\)"):
            await here.plan(WEB)
        here.declare(Cell(cell="k", engine=EngineKind.KUBERNETES))
        assert (await here.plan(WEB)).cell == declared  # a cluster is another cell
