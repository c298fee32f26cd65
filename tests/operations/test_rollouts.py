"""A stack's roll-out in waves, on the memory engine: halted, taken up, stopped, taken back."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from skerry.engines.memory.faults import Fault
from skerry.errors import Conflict, Refused
from skerry.model.change import Hold, hold_of
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.progress import Operation, OperationState
from skerry.model.rollout import Rollout, RolloutState
from skerry.model.stack import tenant_key
from skerry.model.world import Snapshot
from skerry.operations import rollouts
from skerry.operations.abort import abort
from skerry.operations.logbook import Logbook
from skerry.operations.members import Gift, Given
from skerry.operations.platform import Platform
from skerry.operations.steps import steps_of
from skerry.operations.voice import Voice
from skerry.operations.way_back import roll_back
from skerry.planner.tenants import plan_tenants
from skerry.planner.waves import resumed
from tests.builders import ServiceBuilder, bundles, service
from tests.operations.world import ADMIN, World, until, world

STACK = "eu"
NAMES = tuple(f"t{number}" for number in range(6))


def tenant(name: str, image: str = "app:1") -> ServiceBuilder:
    return service(name).team(f"{STACK}-{name}").image(image)


@dataclass
class Version(Gift):
    """A version as some tenants' documents would give it, without any documents."""

    platform: Platform
    rollout: Rollout
    failing: frozenset[str] = frozenset()
    stack: str = STACK

    async def given(self, services: Collection[ServiceKey], snapshot: Snapshot) -> Given:
        version = self.rollout.version
        wanted = [
            tenant(
                each.name,
                f"fault/exits:{version}" if each.name in self.failing else f"app:{version}",
            )
            for each in services
        ]
        before = {each.service: each.inputs for each in bundles(*map(tenant, NAMES))}
        hold = {
            key: Hold(by="ada", at=self.rollout.at, reason=f"version {version}", inputs=before[key])
            for key in services
        }
        made = plan_tenants(
            bundles(*wanted),
            snapshot,
            repository="shop",
            holds=hold,
            limits=self.platform.engine.limits,
        )
        left = {each.service: each.reason for each in made.held}
        return Given(steps={s.service: s for s in steps_of(made, snapshot)}, left=left)


@dataclass
class Fleet:
    """A world with a stack of six tenants at version 1."""

    here: World
    failing: frozenset[str] = frozenset()

    def rollout(self, *waves: tuple[str, ...], version: str = "2", **parts: Any) -> Rollout:
        now = self.here.platform.clock.now()
        fields: dict[str, Any] = {
            "id": f"r-{now.timestamp()}",
            "stack": STACK,
            "cell": "local",
            "repository": "shop",
            "version": version,
            "by": "ada",
            "at": now,
            "since": now,
            "attempts": (now,),
            "waves": waves or (NAMES[:1], NAMES[1:3], NAMES[3:]),
        }
        return Rollout(**fields | parts)

    async def begin(self, rollout: Rollout) -> Operation:
        platform = self.here.platform
        gift = Version(platform, rollout, self.failing)

        async def work(operation: Operation, voice: Voice) -> None:
            await rollouts.carry(platform, operation, voice, stack=STACK, gifts=lambda _: gift)

        return await rollouts.begin(platform, rollout, "rollout", by=ADMIN, request={}, work=work)

    async def roll_out(self, *waves: tuple[str, ...], **parts: Any) -> Operation:
        return await self.here.ended(await self.begin(self.rollout(*waves, **parts)))

    async def record(self) -> Rollout:
        return await Logbook(self.here.platform, STACK).read()

    async def bakes(self) -> bool:
        found = await Logbook(self.here.platform, STACK).find()
        return found is not None and found.baking is not None

    async def images(self) -> dict[str, str]:
        found = {}
        for name in NAMES:
            key = tenant_key(STACK, name)
            deployment = self.here.engine.object(ObjectKey("Deployment", *key))
            assert deployment is not None
            found[name] = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        return found

    async def hold(self, name: str) -> Hold | None:
        deployment = self.here.engine.object(ObjectKey("Deployment", *tenant_key(STACK, name)))
        assert deployment is not None
        return hold_of(deployment)


@asynccontextmanager
async def fleet(*, failing: Collection[str] = (), **kind: Any) -> AsyncIterator[Fleet]:
    async with world(**kind) as here:
        await here.apply(*map(tenant, NAMES))
        yield Fleet(here, frozenset(failing))


async def test_every_tenant_gets_the_version_and_is_held_there() -> None:
    async with fleet() as stack:
        ended = await stack.roll_out()
        assert ended.state is OperationState.DONE, ended.error
        assert set((await stack.images()).values()) == {"app:2"}
        hold = await stack.hold("t3")
        assert hold is not None and (hold.by, hold.reason) == ("ada", "version 2")
        assert await stack.here.verdicts("eu-t3/t3") == [(2, "deployed"), (1, "deployed")]
        assert (await stack.record()).state is RolloutState.DONE


async def test_a_failing_tenant_halts_with_the_rest_untouched_and_itself_back() -> None:
    async with fleet(failing=["t1"]) as stack:
        ended = await stack.roll_out()
        assert ended.state is OperationState.FAILED
        assert "wave 2 of 3: 1 tenant failed: t1" in ended.error
        assert "3 of 6 tenants are untouched" in ended.error
        assert await stack.images() == {
            "t0": "app:2",
            "t1": "app:1",
            "t2": "app:2",
            "t3": "app:1",
            "t4": "app:1",
            "t5": "app:1",
        }
        assert await stack.here.verdicts("eu-t1/t1") == [(2, "failed"), (1, "deployed")]
        assert await stack.here.verdicts("eu-t4/t4") == [(1, "deployed")]
        record = await stack.record()
        assert (record.state, record.wave) == (RolloutState.HALTED, 1)
        assert "release 1 is back" in record.failed["t1"]


async def test_failures_within_the_limit_do_not_stop_it() -> None:
    async with fleet(failing=["t1"]) as stack:
        ended = await stack.roll_out(max_failures=1)
        assert ended.state is OperationState.DONE, ended.error
        images = await stack.images()
        assert images.pop("t1") == "app:1" and set(images.values()) == {"app:2"}


async def test_a_halted_one_is_resumed_without_repeating_what_is_done() -> None:
    async with fleet(failing=["t1"]) as stack:
        await stack.roll_out()
        stack.failing = frozenset()
        again = resumed(await stack.record(), now=stack.here.platform.clock.now())
        ended = await stack.here.ended(await stack.begin(again))
        assert ended.state is OperationState.DONE, ended.error
        assert set((await stack.images()).values()) == {"app:2"}
        assert [n for n, _ in await stack.here.verdicts("eu-t0/t0")] == [2, 1]
        assert await stack.here.verdicts("eu-t1/t1") == [
            (3, "deployed"),
            (2, "failed"),
            (1, "deployed"),
        ]


async def test_one_that_gets_ill_in_the_bake_halts() -> None:
    async with fleet() as stack:
        operation = await stack.begin(stack.rollout(bake_seconds=60.0))
        await until(stack.bakes)
        stack.here.engine.spoil(tenant_key(STACK, "t0"), Fault.EXITS)
        ended = await stack.here.ended(operation)
        assert ended.state is OperationState.FAILED
        assert "not well any more in the bake: t0" in ended.error
        assert (await stack.images())["t1"] == "app:1"


async def test_two_roll_outs_of_a_stack_at_once_are_one_too_many() -> None:
    async with fleet() as stack:
        first = await stack.begin(stack.rollout(bake_seconds=60.0))
        with pytest.raises(Conflict, match="is being"):
            await stack.begin(stack.rollout(version="3"))
        await abort(stack.here.platform, STACK, undo=False, by=ADMIN)
        await stack.here.ended(first)


async def test_abort_stops_at_the_end_of_the_wave_and_leaves_what_is_done() -> None:
    async with fleet() as stack:
        operation = await stack.begin(stack.rollout(bake_seconds=60.0))
        await until(stack.bakes)
        asked = await abort(stack.here.platform, STACK, undo=False, by=ADMIN)
        ended = await stack.here.ended(asked)
        assert ended.state is OperationState.DONE, ended.error
        assert (await stack.here.ended(operation)).state is OperationState.FAILED
        images = await stack.images()
        assert images.pop("t0") == "app:2" and set(images.values()) == {"app:1"}
        assert (await stack.record()).state is RolloutState.ABORTED


async def test_abort_with_undo_takes_back_what_was_done() -> None:
    async with fleet(failing=["t1"]) as stack:
        await stack.roll_out()
        asked = await abort(stack.here.platform, STACK, undo=True, by=ADMIN)
        ended = await stack.here.ended(asked)
        assert ended.state is OperationState.DONE, ended.error
        assert set((await stack.images()).values()) == {"app:1"}


async def test_rollback_gives_every_tenant_its_release_before_held_there() -> None:
    async with fleet() as stack:
        await stack.roll_out()
        ended = await stack.here.ended(await roll_back(stack.here.platform, STACK, by=ADMIN))
        assert ended.state is OperationState.DONE, ended.error
        assert set((await stack.images()).values()) == {"app:1"}
        hold = await stack.hold("t5")
        assert hold is not None and hold.reason == "rolled back from version 2"
        assert await stack.here.verdicts("eu-t5/t5") == [
            (3, "deployed"),
            (2, "deployed"),
            (1, "deployed"),
        ]
        with pytest.raises(Refused, match="was rolled back already"):
            await roll_back(stack.here.platform, STACK, by=ADMIN)


async def test_a_tenant_changed_since_is_left_alone_by_a_rollback() -> None:
    async with fleet() as stack:
        await stack.roll_out()
        await stack.here.apply(
            *(tenant(n, "app:9" if n == "t2" else "app:7") for n in NAMES), only=["eu-t2/t2"]
        )
        ended = await stack.here.ended(await roll_back(stack.here.platform, STACK, by=ADMIN))
        assert ended.state is OperationState.DONE, ended.error
        images = await stack.images()
        assert images.pop("t2") == "app:9" and set(images.values()) == {"app:1"}
        assert "changed since" in (await stack.record()).skipped["t2"]
