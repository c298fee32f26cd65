"""What every engine owes, whatever is beneath it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from skerry.compiler.job import one_off
from skerry.errors import Conflict, NotFound
from skerry.model.change import Action, Change, Did, Release, Verdict
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import DIGEST, RESTARTED_AT, Manifest, annotation, key_of, owner_of
from skerry.model.process import LogQuery, Stream
from skerry.model.stack import tenant_key
from skerry.model.world import Override, Scope, State
from skerry.ports import Session
from tests.builders import bundle
from tests.conformance.world import (
    World,
    applied,
    empty,
    gone,
    hopeless,
    planned,
    planned_cheaply,
    settled,
    snapshot,
)

WEB = ServiceKey("default", "web")
NOBODY = ServiceKey("default", "nobody")
NOW = datetime(2026, 11, 21, tzinfo=UTC)


async def said(session: Session) -> tuple[str, str]:
    """All a session says, by stream."""
    texts = {Stream.STDOUT: "", Stream.STDERR: ""}
    async for chunk in session.output():
        texts[chunk.stream] += chunk.data.decode()
    return texts[Stream.STDOUT], texts[Stream.STDERR]


class TestDeploying:
    async def test_what_is_applied_comes_to_run_and_is_observed(self, world: World) -> None:
        web = world.service("web").replicas(2)
        made = await applied(world, web)
        state = await settled(world, WEB)
        assert made.changes[0].action is Action.CREATE
        assert (state.state, state.ready, state.desired) == (State.RUNNING, 2, 2)
        assert state.image == world.image(1)
        assert all(replica.updated and replica.address for replica in state.replicas)

    async def test_every_object_applied_is_observed(self, world: World) -> None:
        made = await applied(world, world.service("web"))
        wanted = {each["kind"] for each in made.changes[0].apply}
        now = await snapshot(world)
        assert {key.kind for key in now.objects} == wanted

    async def test_planning_after_applying_is_empty(self, world: World) -> None:
        web = world.service("web")
        await applied(world, web)
        assert (await planned(world, web)).empty
        await settled(world, WEB)
        assert (await planned(world, web)).empty

    async def test_applying_the_same_twice_changes_nothing(self, world: World) -> None:
        made = await applied(world, world.service("web"))
        before = await settled(world, WEB)
        outcomes = await world.engine.apply(made.changes[0])
        after = await settled(world, WEB)
        assert {outcome.did for outcome in outcomes} == {Did.UNCHANGED}
        assert [each.name for each in after.replicas] == [each.name for each in before.replicas]

    async def test_outcomes_name_each_object_once(self, world: World) -> None:
        made = await planned(world, world.service("web"))
        outcomes = await world.engine.apply(made.changes[0])
        assert {outcome.did for outcome in outcomes} == {Did.CREATED}
        assert len({outcome.key for outcome in outcomes}) == len(made.changes[0].apply)

    async def test_the_index_knows_the_inputs_of_each_service(self, world: World) -> None:
        web = world.service("web")
        await applied(world, web)
        assert dict(await world.engine.index()) == {WEB: bundle(web, cell=world.engine.cell).inputs}

    async def test_a_new_image_replaces_every_old_replica(self, world: World) -> None:
        web = world.service("web").replicas(2)
        await applied(world, web)
        old = await settled(world, WEB)
        made = await applied(world, web.image(world.image(2)))
        new = await settled(world, WEB)
        assert made.changes[0].action is Action.UPDATE
        assert new.image == world.image(2)
        assert not {each.name for each in new.replicas} & {each.name for each in old.replicas}
        assert len(new.replicas) == 2

    async def test_while_rolling_as_many_as_wanted_stay_ready(self, world: World) -> None:
        web = world.service("web").replicas(2)
        await applied(world, web)
        await settled(world, WEB)
        await applied(world, web.image(world.image(2)))
        settling = asyncio.ensure_future(settled(world, WEB))
        while not settling.done():
            assert (await snapshot(world)).services[WEB].ready >= 2
            await asyncio.sleep(0.005)
        await settling

    async def test_a_changed_scale_keeps_the_replicas_there_are(self, world: World) -> None:
        web = world.service("web")
        await applied(world, web)
        before = await settled(world, WEB)
        made = await applied(world, web.replicas(2))
        after = await settled(world, WEB)
        assert made.changes[0].action is Action.CONFIGURE
        assert {each.name for each in before.replicas} < {each.name for each in after.replicas}

    async def test_a_service_with_a_volume_is_stopped_before_it_starts_again(
        self, world: World
    ) -> None:
        web = world.service("web").volume("data", "/data")
        await applied(world, web)
        await settled(world, WEB)
        made = await applied(world, web.image(world.image(2)))
        assert made.changes[0].action is Action.REPLACE
        settling = asyncio.ensure_future(settled(world, WEB))
        while not settling.done():
            replicas = (await snapshot(world)).services[WEB].replicas
            assert len({each.updated for each in replicas}) <= 1
            await asyncio.sleep(0.005)
        assert (await settling).ready == 1


class TestFailing:
    async def test_an_exit_at_the_start_is_reported_with_the_last_lines(self, world: World) -> None:
        await applied(world, world.exiting(world.service("web")))
        failed = await hopeless(world, WEB)
        assert "exited 1" in failed.reason
        assert failed.last_lines

    async def test_a_missing_image_is_reported(self, world: World) -> None:
        broken = world.missing(world.service("web"))
        await applied(world, broken)
        failed = await hopeless(world, WEB)
        assert str(broken.document["image"]) in failed.reason

    async def test_a_failing_release_leaves_the_old_one_in_traffic(self, world: World) -> None:
        web = world.service("web")
        await applied(world, web)
        await settled(world, WEB)
        await applied(world, world.exiting(web))
        await hopeless(world, WEB)
        assert (await snapshot(world)).services[WEB].ready == 1
        await applied(world, web)
        assert (await settled(world, WEB)).image == world.image(1)

    async def test_what_never_gets_ready_says_what_it_waits_for(self, world: World) -> None:
        await applied(world, world.never_ready(world.service("web")))
        async with asyncio.timeout(world.patience):
            async for _ in world.engine.watch():
                state = (await snapshot(world)).services[WEB]
                if "waits for" in state.reason:
                    break
        assert state.ready == 0


class TestScaling:
    async def test_a_count_set_by_hand_wins_until_it_is_given_back(self, world: World) -> None:
        await applied(world, world.service("web"))
        await settled(world, WEB)
        override = Override(replicas=2, by="ann", at=NOW)
        await world.engine.scale(WEB, override)
        up = await settled(world, WEB)
        assert (up.ready, up.override) == (2, override)
        await world.engine.scale(WEB, None)
        down = await settled(world, WEB)
        assert (down.ready, down.override) == (1, None)

    async def test_a_count_set_by_hand_is_no_difference_to_the_plan(self, world: World) -> None:
        web = world.service("web")
        await applied(world, web)
        await world.engine.scale(WEB, Override(replicas=0, by="ann", at=NOW))
        assert (await settled(world, WEB)).state is State.STOPPED
        assert (await planned(world, web)).empty

    async def test_scaling_what_is_not_there_is_refused(self, world: World) -> None:
        with pytest.raises(NotFound):
            await world.engine.scale(NOBODY, None)


class TestRestarting:
    async def test_a_restart_replaces_replicas_and_nothing_else(self, world: World) -> None:
        web = world.service("web")
        await applied(world, web)
        before = await settled(world, WEB)
        await world.engine.restart(WEB)
        after = await settled(world, WEB)
        assert {each.name for each in before.replicas} != {each.name for each in after.replicas}
        assert after.image == before.image
        assert (await planned(world, web)).empty

    async def test_applying_after_a_restart_does_not_roll_back_over_it(self, world: World) -> None:
        web = world.service("web")
        await applied(world, web)
        await settled(world, WEB)
        await world.engine.restart(WEB)
        before = await settled(world, WEB)
        await applied(world, web.having(tags={"cost-center": "4711"}))
        after = await settled(world, WEB)
        assert [each.name for each in before.replicas] == [each.name for each in after.replicas]
        deployment = (await snapshot(world)).objects[ObjectKey("Deployment", *WEB)]
        template = deployment["spec"]["template"]["metadata"]
        assert RESTARTED_AT in template.get("annotations", {})

    async def test_restarting_what_is_not_there_is_refused(self, world: World) -> None:
        with pytest.raises(NotFound):
            await world.engine.restart(NOBODY)


class TestDeleting:
    async def test_nothing_of_a_deleted_service_is_left(self, world: World) -> None:
        await applied(world, world.service("web"))
        await settled(world, WEB)
        outcomes = await world.engine.delete(WEB, volumes=True)
        await gone(world, WEB)
        await empty(world)
        assert {outcome.did for outcome in outcomes} == {Did.DELETED}
        assert not (await snapshot(world)).services
        assert not await world.engine.index()

    async def test_volumes_stay_unless_told_otherwise(self, world: World) -> None:
        await applied(world, world.service("web").volume("data", "/data"))
        await settled(world, WEB)
        await world.engine.delete(WEB, volumes=False)
        await gone(world, WEB)
        assert {key.kind for key in (await snapshot(world)).objects} == {"PersistentVolumeClaim"}
        await world.engine.delete(WEB, volumes=True)
        await empty(world)

    async def test_a_service_no_longer_declared_goes_by_plan(self, world: World) -> None:
        web, api = world.service("web"), world.service("api")
        await applied(world, web, api)
        await settled(world, WEB)
        made = await applied(world, api)
        await gone(world, WEB)
        assert [(each.service, each.action) for each in made.changes] == [(WEB, Action.DELETE)]
        assert set((await snapshot(world)).services) == {ServiceKey("default", "api")}

    async def test_what_belongs_to_others_is_not_touched(self, world: World) -> None:
        await world.plant("web")
        await applied(world, world.service("web"))
        await settled(world, WEB)
        assert await world.intact("web")
        await world.engine.delete(WEB, volumes=True)
        await gone(world, WEB)
        assert await world.intact("web")

    async def test_an_object_without_an_owner_is_refused(self, world: World) -> None:
        stray = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "stray", "namespace": "default"},
        }
        change = Change(service=WEB, action=Action.CREATE, reason="new", apply=(stray,))
        with pytest.raises(Conflict):
            await world.engine.apply(change)
        assert not (await snapshot(world)).objects


class TestReleases:
    async def test_the_newest_comes_first_and_a_verdict_replaces_its_release(
        self, world: World
    ) -> None:
        await world.engine.record(_release(1))
        await world.engine.record(_release(2))
        await world.engine.record(_release(2, Verdict.FAILED))
        found = await world.engine.releases(WEB)
        assert [(each.number, each.verdict) for each in found] == [
            (2, Verdict.FAILED),
            (1, Verdict.DEPLOYING),
        ]

    async def test_an_observation_has_the_newest(self, world: World) -> None:
        await applied(world, world.service("web"))
        for number in (1, 2):
            await world.engine.record(_release(number))
        assert (await world.engine.observe()).releases[WEB].number == 2

    async def test_many_are_written_at_once_and_each_service_has_its_own(
        self, world: World
    ) -> None:
        tenants = [tenant_key("eu", f"t{number}") for number in range(40)]
        await world.engine.record(*(_release(1, service=each) for each in (WEB, *tenants)))
        judged = [_release(1, Verdict.DEPLOYED, service=each) for each in tenants]
        await world.engine.record(*judged)
        await world.engine.record(_release(2, service=tenants[3]))
        assert await world.engine.releases(tenants[7]) == (judged[7],)
        assert [each.number for each in await world.engine.releases(tenants[3])] == [2, 1]
        assert await world.engine.releases(WEB) == (_release(1),)

    async def test_what_was_applied_comes_back_with_its_release(self, world: World) -> None:
        objects = bundle(world.service("web"), cell=world.engine.cell).objects
        release = replace(_release(1), objects=objects)
        await world.engine.record(release)
        assert await world.engine.releases(WEB) == (release,)

    async def test_releases_outlive_the_service(self, world: World) -> None:
        await applied(world, world.service("web"))
        await world.engine.record(_release(1))
        await world.engine.delete(WEB, volumes=True)
        assert [each.number for each in await world.engine.releases(WEB)] == [1]


class TestPlanningFromTheInventory:
    async def test_it_has_every_object_with_its_digest(self, world: World) -> None:
        await applied(world, world.service("web").replicas(1, most=3), world.service("api"))
        observed = {key_of(each): digest(each) for each in (await world.engine.observe()).objects}
        listed = {key_of(each): digest(each) for each in (await world.engine.inventory()).objects}
        assert listed == observed
        assert all(listed.values())

    async def test_a_plan_made_from_it_after_applying_is_empty(self, world: World) -> None:
        web = world.service("web").replicas(1, most=3).file_at("/etc/web.conf", "a")
        await applied(world, web)
        assert (await planned_cheaply(world, web)).empty
        made = await planned_cheaply(world, web.image(world.image(2)))
        assert [each["kind"] for each in made.changes[0].apply] == ["Deployment"]

    async def test_it_tells_the_newest_release_of_each(self, world: World) -> None:
        await applied(world, world.service("web"))
        await world.engine.record(_release(1))
        found = (await world.engine.inventory(Scope(services=frozenset({WEB})))).releases
        assert (found[WEB].number, found[WEB].verdict) == (1, Verdict.DEPLOYING)

    async def test_a_scope_has_no_other_service(self, world: World) -> None:
        await applied(world, world.service("web"), world.service("api"))
        found = await world.engine.inventory(Scope(services=frozenset({WEB, NOBODY})))
        assert {owner_of(each) for each in found.objects} == {WEB}


class TestWriting:
    async def test_of_two_writers_of_a_service_the_second_is_told_who_the_first_is(
        self, world: World
    ) -> None:
        async with world.engine.writing([WEB], by="ann"):
            with pytest.raises(Conflict, match="ann"):
                async with world.engine.writing([WEB, NOBODY], by="eve"):
                    raise AssertionError("two writers at once")
            async with world.engine.writing([NOBODY], by="eve"):
                pass
        async with world.engine.writing([WEB], by="eve"):
            pass

    async def test_who_writes_a_stack_writes_every_tenant_of_it(self, world: World) -> None:
        acme, other = tenant_key("eu", "acme"), tenant_key("us", "acme")
        async with world.engine.writing([], by="ann", stack="eu"):
            with pytest.raises(Conflict, match="ann"):
                async with world.engine.writing([acme], by="eve"):
                    raise AssertionError("two writers at once")
            async with world.engine.writing([other], by="eve"):
                pass
        async with world.engine.writing([acme], by="eve"):
            with pytest.raises(Conflict, match="eve"):
                async with world.engine.writing([], by="ann", stack="eu"):
                    raise AssertionError("two writers at once")

    async def test_many_at_once_are_one_writer(self, world: World) -> None:
        many = [ServiceKey("default", f"s{number}") for number in range(30)]
        async with world.engine.writing(many, by="ann"):
            with pytest.raises(Conflict, match="ann"):
                async with world.engine.writing([many[20]], by="eve"):
                    raise AssertionError("two writers at once")
        async with world.engine.writing([many[20]], by="eve"):
            with pytest.raises(Conflict, match="eve"):
                async with world.engine.writing(many, by="ann"):
                    raise AssertionError("two writers at once")

    async def test_the_index_is_as_the_cell_is_afterwards(self, world: World) -> None:
        web, api = world.service("web"), world.service("api")
        await applied(world, web, api)
        async with world.engine.writing([WEB, NOBODY, api.key], by="ann"):
            await applied(world, web.image(world.image(2)))
        assert dict(await world.engine.index()) == {
            WEB: bundle(web.image(world.image(2)), cell=world.engine.cell).inputs
        }

    async def test_what_was_not_changed_meanwhile_is_known_as_before(self, world: World) -> None:
        web = world.service("web")
        await applied(world, web)
        before = dict(await world.engine.index())
        async with world.engine.writing([WEB, NOBODY], by="ann"):
            pass
        assert dict(await world.engine.index()) == before


class TestTheCellItself:
    async def test_what_is_remembered_is_recalled_until_it_is_forgotten(self, world: World) -> None:
        assert await world.engine.recall("roll-out eu") is None
        await world.engine.remember("roll-out eu", {"wave": 2, "failed": ["acme"]})
        assert await world.engine.recall("roll-out eu") == {"wave": 2, "failed": ["acme"]}
        await world.engine.remember("roll-out eu", {"wave": 3})
        assert await world.engine.recall("roll-out eu") == {"wave": 3}
        await world.engine.remember("roll-out eu", None)
        assert await world.engine.recall("roll-out eu") is None

    async def test_a_report_says_what_it_is_and_how_much_it_runs(self, world: World) -> None:
        await applied(world, world.service("web"))
        found = await world.engine.report()
        assert (found.cell, found.services) == (world.engine.cell.cell, 1)
        assert found.version

    async def test_a_cell_as_it_was_applied_gives_no_finding(self, world: World) -> None:
        await applied(world, world.service("web").replicas(1, most=3), world.service("api"))
        await settled(world, WEB)
        await world.engine.scale(WEB, Override(replicas=2, by="ann", at=NOW))
        await world.engine.restart(WEB)
        assert [each async for each in world.engine.verify()] == []


class TestWatching:
    async def test_a_watch_begins_with_now_and_follows_changes(self, world: World) -> None:
        watch = world.engine.watch(Scope(services=frozenset({WEB})))
        async with asyncio.timeout(world.patience):
            first = await anext(watch)
            assert not first.objects
            await applied(world, world.service("web"))
            while not (await anext(watch)).pods:
                pass
        await watch.aclose()

    async def test_a_scope_shows_no_other_service(self, world: World) -> None:
        await applied(world, world.service("web"), world.service("api"))
        observation = await world.engine.observe(Scope(services=frozenset({WEB})))
        assert {
            each["metadata"]["labels"]["skerry.dev/service"] for each in observation.objects
        } == {"web"}


class TestLookingInside:
    async def test_logs_have_what_the_replicas_said(self, world: World) -> None:
        await applied(world, world.service("web"))
        state = await settled(world, WEB)
        async with asyncio.timeout(world.patience):
            lines = [line async for line in world.engine.logs(WEB, LogQuery())]
            while not lines:
                await asyncio.sleep(0.05)
                lines = [line async for line in world.engine.logs(WEB, LogQuery())]
        assert lines[0].replica == state.replicas[0].name
        assert not [line async for line in world.engine.logs(WEB, LogQuery(tail=0))]

    async def test_logs_of_what_is_not_there_are_refused(self, world: World) -> None:
        with pytest.raises(NotFound):
            async for _ in world.engine.logs(NOBODY, LogQuery()):
                pass

    async def test_a_command_inside_a_replica_speaks_and_ends(self, world: World) -> None:
        await applied(world, world.service("web").env(COLOUR="blue"))
        await settled(world, WEB)
        command = ["sh", "-c", "echo $COLOUR; exit 3"]
        session = await world.engine.exec(WEB, command, tty=False)
        assert await said(session) == ("blue\n", "")
        assert await session.wait() == 3
        await session.close()

    async def test_a_command_reads_its_input(self, world: World) -> None:
        await applied(world, world.service("web"))
        await settled(world, WEB)
        session = await world.engine.exec(WEB, ["cat"], tty=False)
        await session.write(b"hello\n")
        await session.write(b"")
        assert await said(session) == ("hello\n", "")
        assert await session.wait() == 0
        await session.close()

    async def test_a_command_needs_a_replica_that_runs(self, world: World) -> None:
        with pytest.raises(NotFound):
            await world.engine.exec(NOBODY, ["cat"], tty=False)
        await applied(world, world.service("web").replicas(0))
        with pytest.raises(Conflict):
            await world.engine.exec(WEB, ["cat"], tty=False)

    async def test_a_one_off_has_the_environment_and_removes_itself(self, world: World) -> None:
        await applied(world, world.service("web").env(COLOUR="blue"))
        session = await world.engine.run(await _job(world, "sh", "-c", "echo $COLOUR; exit 4"))
        assert (await said(session))[0] == "blue\n"
        assert await session.wait() == 4
        await session.close()
        await _no_one_off(world)

    async def test_leaving_a_one_off_ends_and_removes_it(self, world: World) -> None:
        await applied(world, world.service("web"))
        session = await world.engine.run(await _job(world, "sleep", "600"))
        await session.close()
        await _no_one_off(world)

    async def test_a_one_off_is_no_replica(self, world: World) -> None:
        await applied(world, world.service("web"))
        await settled(world, WEB)
        session = await world.engine.run(await _job(world, "sleep", "600"))
        assert (await snapshot(world)).services[WEB].ready == 1
        assert len((await world.engine.observe()).pods) == 1
        await session.close()


async def _job(world: World, *command: str) -> dict[str, object]:
    """A one-off of the service `web` as it is deployed."""
    deployment = (await snapshot(world)).objects[ObjectKey("Deployment", *WEB)]
    return dict(one_off(deployment, command, name="web.run-1", deadline_seconds=60))


async def _no_one_off(world: World) -> None:
    for _ in range(round(world.patience / 0.02)):
        if not await world.one_offs():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"left: {await world.one_offs()}")


def digest(manifest: Manifest) -> str | None:
    """What it was compiled from."""
    return annotation(manifest, DIGEST)


def _release(
    number: int, verdict: Verdict = Verdict.DEPLOYING, *, service: ServiceKey = WEB
) -> Release:
    return Release(
        service=service,
        number=number,
        image="registry.test/web:1",
        by="ann",
        at=NOW,
        reason="new",
        inputs="",
        objects=(),
        verdict=verdict,
    )
