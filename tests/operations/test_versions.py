"""A version for a stack declared in documents: rolled out, held, and given back to them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from skerry.errors import Conflict, NotFound, Refused
from skerry.model.access import Identity, Role
from skerry.model.keys import ObjectKey
from skerry.model.progress import Operation, OperationState
from skerry.model.rollout import Rollout, RolloutState
from skerry.model.sources import Sources, SourceText
from skerry.model.stack import tenant_key
from skerry.operations import deploy
from skerry.operations.deploy import Request
from skerry.operations.going_on import go_on
from skerry.operations.logbook import Logbook
from skerry.operations.unhold import unhold
from skerry.operations.versions import RolloutRequest, roll_out
from skerry.operations.way_back import roll_back
from tests.operations.world import ADMIN, World, world

NAMES = tuple(f"t{number:02}" for number in range(12))
DOCUMENT = """
stack: eu
template: {{image: "registry.test/app:{{version}}", port: none, env: {{WHO: "{{tenant}}"}}}}
values: {{version: "{version}"}}
tenants:
{tenants}
"""


def document(version: str = "1", *, names: tuple[str, ...] = NAMES, **otherwise: str) -> Sources:
    """The stack's document; `otherwise` is what a tenant has of its own."""
    tenants = "\n".join(f"  {name}: {otherwise.get(name, '{}')}" for name in names)
    text = DOCUMENT.format(version=version, tenants=tenants)
    return Sources(name="shop", texts=(SourceText(path="eu.yaml", text=text),))


@dataclass
class Stack:
    """A stack on the memory engine."""

    here: World
    sources: Sources

    async def apply(self, sources: Sources) -> Operation:
        self.sources = sources
        request = Request(sources=sources, by=ADMIN)
        return await self.here.ended(await deploy.apply(self.here.platform, request))

    async def plan(self, sources: Sources | None = None) -> Any:
        request = Request(sources=sources or self.sources, by=ADMIN)
        return (await deploy.plan(self.here.platform, request)).plan

    async def roll_out(self, version: str, **wanted: Any) -> Operation:
        request = RolloutRequest(
            **{"sources": self.sources, "by": ADMIN, "stack": "eu", "version": version} | wanted
        )
        return await self.here.ended(await roll_out(self.here.platform, request))

    async def go_on(self, sources: Sources | None = None) -> Operation:
        begun = await go_on(self.here.platform, "eu", sources=sources or self.sources, by=ADMIN)
        return await self.here.ended(begun)

    async def record(self) -> Rollout:
        return await Logbook(self.here.platform, "eu").read()

    def versions(self) -> dict[str, str]:
        found = {}
        for name in NAMES:
            deployment = self.here.engine.object(ObjectKey("Deployment", *tenant_key("eu", name)))
            if deployment is not None:
                image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
                found[name] = image.rpartition(":")[2]
        return found

    def pods(self) -> set[str]:
        """The replicas there are: a roll changes their names."""
        return {each.name for one in self.here.engine._replicas.values() for each in one.here}


@asynccontextmanager
async def stack(sources: Sources | None = None) -> AsyncIterator[Stack]:
    async with world() as here:
        made = Stack(here, sources or document())
        ended = await made.apply(made.sources)
        assert ended.state is OperationState.DONE, ended.error
        yield made


async def test_a_version_reaches_every_tenant_and_plan_and_apply_leave_it_there() -> None:
    async with stack() as eu:
        ended = await eu.roll_out("2", steps="1,50%,100%")
        assert ended.state is OperationState.DONE, ended.error
        assert set(eu.versions().values()) == {"2"}
        plan = await eu.plan()
        assert plan.empty
        [held] = plan.held
        assert str(held.service) == "stack/eu"
        assert held.reason.startswith("12 tenants held by a roll-out of version 2, by ada since")
        await eu.apply(eu.sources)
        assert set(eu.versions().values()) == {"2"}


async def test_when_the_document_says_the_same_version_nothing_rolls_and_the_hold_ends() -> None:
    async with stack() as eu:
        await eu.roll_out("2")
        before = eu.pods()
        plan = await eu.plan(document("2"))
        assert {each.action for each in plan.changes} == {"configure"}
        ended = await eu.apply(document("2"))
        assert ended.state is OperationState.DONE, ended.error
        assert eu.pods() == before
        plan = await eu.plan()
        assert plan.empty and not plan.held


async def test_when_the_document_says_another_version_it_wins() -> None:
    async with stack() as eu:
        await eu.roll_out("2")
        await eu.apply(document("3"))
        assert set(eu.versions().values()) == {"3"}


async def test_a_tenant_given_back_to_its_document_is_planned_again() -> None:
    async with stack() as eu:
        await eu.roll_out("2")
        key = tenant_key("eu", "t03")
        await eu.here.ended(await unhold(eu.here.platform, key, by=ADMIN))
        [change] = (await eu.plan()).changes
        assert change.service == key
        await eu.apply(eu.sources)
        versions = eu.versions()
        assert versions.pop("t03") == "1" and set(versions.values()) == {"2"}


async def test_pinned_and_absent_tenants_are_left_alone_and_named() -> None:
    async with stack(document(names=NAMES[:-1], t01='{version: "0.9"}')) as eu:
        eu.sources = document(t01='{version: "0.9"}')
        ended = await eu.roll_out("2")
        assert ended.state is OperationState.DONE, ended.error
        versions = eu.versions()
        assert versions.pop("t01") == "0.9" and set(versions.values()) == {"2"}
        record = await eu.record()
        assert record.skipped["t01"] == "pinned to 0.9 by its own document"
        assert record.skipped["t11"] == "is not here yet: skerry apply"


async def test_named_tenants_go_first() -> None:
    async with stack() as eu:
        await eu.roll_out("2", steps="2,100%", first=("t07", "t08"))
        assert (await eu.record()).waves[0] == ("t07", "t08")


async def test_a_halt_leaves_the_rest_at_its_version_and_resuming_needs_the_same_document() -> None:
    async with stack() as eu:
        fault = document().texts[0].text.replace("registry.test/app", "fault/{kind}")
        good = fault.replace("values:", "values: ").replace(
            'version: "1"', 'version: "1", kind: "fine"'
        )
        eu.sources = Sources(name="shop", texts=(SourceText(path="eu.yaml", text=good),))
        await eu.apply(eu.sources)
        bad = good.replace('"fine"', '"exits"')
        worse = Sources(name="shop", texts=(SourceText(path="eu.yaml", text=bad),))
        ended = await eu.roll_out("2", steps="2,100%", sources=worse)
        assert ended.state is OperationState.FAILED
        assert "2 tenants failed" in ended.error and "10 of 12 tenants are untouched" in ended.error
        assert set(eu.versions().values()) == {"1"}
        with pytest.raises(Conflict, match="another than when the roll-out began"):
            await eu.go_on()


async def test_rolling_back_gives_every_tenant_its_version_before_and_holds_it() -> None:
    async with stack() as eu:
        await eu.roll_out("2", steps="3,100%")
        ended = await eu.here.ended(await roll_back(eu.here.platform, "eu", by=ADMIN))
        assert ended.state is OperationState.DONE, ended.error
        assert set(eu.versions().values()) == {"1"}
        plan = await eu.plan()
        assert plan.empty and "taken back from version 2" in plan.held[0].reason
        await eu.apply(document("2"))
        assert set(eu.versions().values()) == {"2"}, "the document changed, and wins"


async def test_a_second_roll_out_goes_over_what_the_first_holds_but_not_over_a_hold_by_hand() -> (
    None
):
    from skerry.operations.image import deploy_image

    async with stack() as eu:
        await eu.roll_out("2")
        by_hand = tenant_key("eu", "t05")
        begun = await deploy_image(eu.here.platform, by_hand, "registry.test/app:own", by=ADMIN)
        await eu.here.ended(begun)
        ended = await eu.roll_out("3")
        assert ended.state is OperationState.DONE, ended.error
        versions = eu.versions()
        assert versions.pop("t05") == "own" and set(versions.values()) == {"3"}
        assert "held by ada" in (await eu.record()).skipped["t05"]


async def test_what_cannot_be_rolled_out_is_refused_with_what_to_do() -> None:
    async with stack() as eu:
        with pytest.raises(NotFound, match="is no stack of these documents"):
            await eu.roll_out("2", stack="us")
        with pytest.raises(Refused, match=r"should end in 100%"):
            await eu.roll_out("2", steps="10%")
        with pytest.raises(NotFound, match="has no tenant nobody"):
            await eu.roll_out("2", first=("nobody",))
        plain = document().texts[0].text.replace(":{version}", ":1")
        fixed = Sources(name="shop", texts=(SourceText(path="eu.yaml", text=plain),))
        with pytest.raises(Refused, match="does not use"):
            await eu.roll_out("2", sources=fixed)


async def test_a_token_for_some_tenants_cannot_roll_out_all() -> None:
    from skerry.errors import Forbidden

    few = Identity(name="pia", role=Role.DEPLOYER, namespaces=frozenset({"eu-t00"}))
    async with stack() as eu:
        with pytest.raises(Forbidden, match="does not reach"):
            await eu.roll_out("2", by=few)


async def test_the_same_version_again_changes_nothing() -> None:
    async with stack() as eu:
        await eu.roll_out("2")
        before = eu.pods()
        numbers = await eu.here.verdicts("eu-t00/t00")
        ended = await eu.roll_out("2")
        assert ended.state is OperationState.DONE, ended.error
        assert eu.pods() == before
        assert await eu.here.verdicts("eu-t00/t00") == numbers
        assert (await eu.record()).state is RolloutState.DONE
