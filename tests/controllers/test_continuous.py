"""Cells kept as a git repository says."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from skerry.model.keys import ServiceKey
from skerry.model.world import Trouble
from skerry.operations.image import deploy_image
from tests.controllers.world import World, following, until
from tests.operations.world import ADMIN


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with following(tmp_path) as made:
        yield made


async def at(world: World, commit: str, cell: str = "eu-1") -> None:
    def holds() -> bool:
        applied = world.watch(cell).commit
        return applied is not None and applied.id == commit

    await until(holds)


async def test_a_commit_is_applied_and_the_history_says_which(world: World) -> None:
    first = world.upstream.commit({**world.cell("eu-1"), **world.service("web")}, "Add web")
    world.continuous.start()
    await at(world, first)
    assert await world.image("web") == "acme/web:1"
    second = world.upstream.commit(world.service("web", "acme/web:2"), "Ship 2")
    await at(world, second)
    assert await world.image("web") == "acme/web:2"
    (by, reason), _ = await world.reasons("web")
    assert by == "git"
    assert reason.startswith(f"{second[:10]} Ship 2: ")
    audited = (await world.store.audited())[0]
    assert (audited.by, audited.action, audited.subject) == ("git", "apply", "repository/shop")


async def test_a_cell_is_kept_on_after_a_fault_of_skerrys_own(world: World) -> None:
    world.engine().faulty = True
    commit = world.upstream.commit({**world.cell("eu-1"), **world.service("web")})
    world.continuous.start()
    await until(lambda: world.watch().trial.failing)
    assert "Skerry itself is at fault" in world.watch().trial.said
    world.engine().faulty = False
    world.continuous.ask()
    await at(world, commit)


async def test_only_what_a_commit_changed_is_applied(world: World) -> None:
    services = {**world.service("a"), **world.service("b")}
    await start(world, {**world.cell("eu-1"), **services})
    world.engine().applied.clear()
    await at(world, world.upstream.commit(world.service("b", "acme/web:2")))
    assert [str(each.service) for each in world.engine().applied] == ["b"]


async def test_a_commit_that_changes_nothing_leaves_no_operation(world: World) -> None:
    await start(world, {**world.cell("eu-1"), **world.service("web")})
    before = await world.store.operations()
    await at(world, world.upstream.commit({"readme.md": "hello"}))
    assert await world.store.operations() == before


async def test_a_force_push_takes_back_what_was_pushed(world: World) -> None:
    await start(world, {**world.cell("eu-1"), **world.service("web")})
    await at(world, world.upstream.commit(world.service("extra")))
    world.upstream.git("reset", "--quiet", "--hard", "HEAD~1")
    await at(world, world.upstream.commit(world.service("web", "acme/web:3"), "Another history"))
    assert await world.image("web") == "acme/web:3"
    assert await world.image("extra") is None


async def test_invalid_documents_leave_the_last_good_state_and_are_said(world: World) -> None:
    good = await start(world, {**world.cell("eu-1"), **world.service("web")})
    bad = world.upstream.commit({**world.service("web", "acme/web:2"), "x.yaml": "service: X\n"})
    await until(lambda: world.continuous.state.repository.reading.failing)
    watch = world.continuous.state.repository
    assert "x.yaml:1: " in watch.reading.said
    assert watch.seen and watch.seen.id == bad
    assert watch.good and watch.good.id == good
    assert await world.image("web") == "acme/web:1"
    (check,) = world.continuous.checks()
    assert not check.ok
    assert "x.yaml:1: " in check.message
    await at(world, world.upstream.commit({"x.yaml": None}, "Fix"))
    assert await world.image("web") == "acme/web:2"
    assert [each.ok for each in world.continuous.checks()] == [True]


async def test_invalid_documents_are_said_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await start(world, {**world.cell("eu-1"), **world.service("web")})
    world.upstream.commit({"x.yaml": "service: X\n"})
    await until(lambda: world.continuous.state.repository.reading.failing)
    await asyncio.sleep(0.5)
    said = [each for each in caplog.records if "x.yaml:1" in each.getMessage()]
    assert len(said) == 1


async def test_a_deleted_branch_is_said_and_nothing_is_removed(world: World) -> None:
    await start(world, {**world.cell("eu-1"), **world.service("web")})
    world.upstream.git("checkout", "--quiet", "--orphan", "other")
    world.upstream.git("branch", "-D", "main")
    await until(lambda: world.continuous.state.repository.reaching.failing)
    assert "has no branch main" in world.continuous.state.repository.reaching.said
    assert await world.image("web") == "acme/web:1"


async def test_a_dead_cell_does_not_stop_the_others(world: World) -> None:
    world.engine("us-1").dead = True
    documents = {**world.cell("eu-1"), **world.cell("us-1"), **world.service("web")}
    commit = world.upstream.commit(documents)
    world.continuous.start()
    await at(world, commit, "eu-1")
    await until(lambda: world.watch("us-1").trial.failing)
    assert "does not answer" in world.watch("us-1").trial.said
    names = [each.name for each in world.continuous.checks() if not each.ok]
    assert names == ["cell us-1"]


async def test_a_cell_that_is_back_is_brought_up_to_date(world: World) -> None:
    world.engine("us-1").dead = True
    documents = {**world.cell("eu-1"), **world.cell("us-1"), **world.service("web")}
    commit = world.upstream.commit(documents)
    world.continuous.start()
    await until(lambda: world.watch("us-1").trial.failing)
    world.engine("us-1").dead = False
    world.continuous.ask()
    await at(world, commit, "us-1")
    assert await world.image("web", "us-1") == "acme/web:1"
    assert not world.watch("us-1").trial.failing


async def test_a_cell_no_longer_declared_is_left_as_it_is(world: World) -> None:
    documents = {**world.cell("eu-1"), **world.cell("us-1"), **world.service("web")}
    await start(world, documents)
    await until(lambda: world.watch("us-1").commit is not None)
    await at(world, world.upstream.commit({"cells/us-1.yaml": None}))
    assert [each.cell for each in world.continuous.state.cells] == ["eu-1"]
    assert await world.image("web", "us-1") == "acme/web:1"


async def test_a_held_service_is_left_alone_and_named(world: World) -> None:
    await start(world, {**world.cell("eu-1"), **world.service("web"), **world.service("api")})
    platform = world.fleet.platform("eu-1")
    held = await deploy_image(platform, ServiceKey("default", "web"), "acme/web:hotfix", by=ADMIN)
    await platform.running.wait(held.id)
    await at(world, world.upstream.commit(world.service("api", "acme/web:2")))
    world.continuous.ask()
    await until(lambda: bool(world.watch().held))
    assert await world.image("web") == "acme/web:hotfix"
    (one,) = world.watch().held
    assert "held by ada" in one.reason
    await at(world, world.upstream.commit(world.service("web", "acme/web:3")))
    assert await world.image("web") == "acme/web:3"


async def test_drift_is_repaired(world: World) -> None:
    await start(world, {**world.cell("eu-1"), **world.service("web"), **world.service("api")})
    before = await world.reasons("web")
    world.engine().applied.clear()
    world.engine().meddle("web")
    world.continuous.ask()
    await until(lambda: world.watch().repaired == 1)
    (change,) = world.engine().applied
    assert [each["kind"] for each in change.apply] == ["Deployment"]
    assert not world.engine().drift
    assert await world.reasons("web") == before
    operation = (await world.store.operations())[0]
    assert (operation.kind, operation.by) == ("repair", "git")
    (finding,) = world.watch().findings
    assert finding.reason == "spec is not as applied"


async def test_a_repaired_service_stays_held(world: World) -> None:
    await start(world, {**world.cell("eu-1"), **world.service("web")})
    platform = world.fleet.platform("eu-1")
    held = await deploy_image(platform, ServiceKey("default", "web"), "acme/web:hotfix", by=ADMIN)
    await platform.running.wait(held.id)
    world.engine().meddle("web")
    world.continuous.ask()
    await until(lambda: world.watch().repaired == 1)
    assert await world.image("web") == "acme/web:hotfix"
    await until(lambda: bool(world.watch().held))


@pytest.mark.parametrize("mode", ["report", "off"])
async def test_drift_is_not_repaired_where_the_cell_says_so(world: World, mode: str) -> None:
    await start(world, {**world.cell("eu-1", mode), **world.service("web")})
    world.engine().meddle("web")
    world.continuous.ask()
    await until(lambda: world.watch().looked is not None and not_busy(world))
    await asyncio.sleep(0.1)
    assert world.engine().drift
    assert len(world.watch().findings) == (1 if mode == "report" else 0)
    assert (world.watch().verified is not None) == (mode == "report")


@pytest.mark.parametrize("trouble", [Trouble.ORPHAN, Trouble.FOREIGN])
async def test_what_a_person_must_decide_is_only_told(world: World, trouble: Trouble) -> None:
    await start(world, {**world.cell("eu-1"), **world.service("web")})
    world.engine().meddle("web", trouble=trouble)
    world.continuous.ask()
    await until(lambda: bool(world.watch().findings))
    await asyncio.sleep(0.1)
    assert world.engine().drift
    assert world.watch().repaired == 0


async def test_drift_is_looked_for_again_and_again(tmp_path: Path) -> None:
    async with following(tmp_path, look_seconds=0.2) as world:
        await start(world, {**world.cell("eu-1"), **world.service("web")})
        for _ in range(2):
            world.engine().meddle("web")
            await until(lambda: not world.engine().drift)


async def test_another_start_takes_up_where_it_was(world: World) -> None:
    await start(world, {**world.cell("eu-1"), **world.service("web")})
    operations = await world.store.operations()
    await world.continuous.stop()
    assert world.continuous.state.cells == ()
    world.continuous.start()
    await until(lambda: world.watch().commit is not None)
    assert await world.store.operations() == operations


def not_busy(world: World) -> bool:
    watch = world.watch()
    return watch.applied is not None and watch.looked is not None and watch.applied >= watch.looked


async def start(world: World, documents: dict[str, str | None]) -> str:
    """The first commit, applied."""
    commit = world.upstream.commit(documents, "Begin")
    world.continuous.start()
    await at(world, commit)
    return commit
