"""Tenants of a stack on a cluster: applied, looked at together, verified, removed."""

from dataclasses import replace

import pytest

from skerry.model.change import Action, Change
from skerry.model.keys import ObjectKey
from skerry.model.objects import Bundle, key_of
from skerry.model.stack import tenant_key
from skerry.model.world import Scope
from tests.compiler.test_tenants import STACK_TEXT, compiled, repository
from tests.engines.kubernetes.harness import KubernetesWorld

pytestmark = pytest.mark.cluster
CELL = """\
cell: eu-1
engine: kubernetes
country: DE
domain: eu.acme.test
routes: none
"""


def tenants(version: int) -> tuple[Bundle, ...]:
    """Those of the stack that the compiler's own tests have."""
    text = STACK_TEXT.replace("version: 1}", f"version: {version}}}")
    wanted = repository(CELL.replace("eu-1", "eu-2"), text)
    wanted = replace(wanted, cells=wanted.cells[1:])
    return tuple(each for each in compiled(wanted).bundles if each.objects)


async def apply(world: KubernetesWorld, *bundles: Bundle) -> None:
    """All of them, as one who writes the stack."""
    services = [each.service for each in bundles]
    async with world.engine.writing(services, by="ann", stack="eu"):
        for each in bundles:
            await world.engine.apply(
                Change(
                    service=each.service,
                    action=Action.CREATE,
                    reason="new",
                    apply=each.objects,
                    objects=each.objects,
                    inputs=each.inputs,
                )
            )


async def test_tenants_are_applied_seen_together_verified_and_removed(
    world: KubernetesWorld,
) -> None:
    made = tenants(1)
    assert len(made) == 3
    try:
        await apply(world, *made)
        await apply(world, *tenants(3))
        found = await world.engine.inventory(Scope(stack="eu"))
        wanted = {key for each in made for key in map(key_of, each.objects)}
        assert {key_of(each) for each in found.objects} == wanted
        assert [each async for each in world.engine.verify()] == []
        assert set(await world.engine.index()) == {each.service for each in made}
        outcomes = await world.engine.delete(tenant_key("eu", "acme"), volumes=True)
        assert ObjectKey("Namespace", "", "eu-acme") in {each.key for each in outcomes}
        assert set(await world.engine.index()) == {each.service for each in made[1:]}
    finally:
        for each in made:
            await world.client.delete(ObjectKey("Namespace", "", each.service.namespace))
