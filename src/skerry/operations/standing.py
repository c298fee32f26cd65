"""How the roll-outs of a cell's stacks stand."""

import asyncio
from dataclasses import dataclass

from skerry.model.access import Identity
from skerry.model.rollout import Rollout
from skerry.model.stack import tenant_key
from skerry.operations.logbook import Logbook, stacks_of
from skerry.operations.platform import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A stack's last roll-out in one cell; `carried` says whether somebody is at it."""

    rollout: Rollout
    carried: bool


async def standings(
    platform: Platform, *, stack: str | None = None, by: Identity
) -> tuple[Standing, ...]:
    """Of one stack, or of all whose tenants the token sees, by name."""
    names = [stack] if stack is not None else await stacks_of(platform)
    found = await asyncio.gather(*(_of(platform, each) for each in names))
    return tuple(each for each in found if each is not None and _seen(each.rollout, by))


async def _of(platform: Platform, stack: str) -> Standing | None:
    logbook = Logbook(platform, stack)
    rollout = await logbook.find()
    if rollout is None:
        return None
    return Standing(rollout=rollout, carried=logbook.carried(rollout))


def _seen(rollout: Rollout, by: Identity) -> bool:
    return not by.namespaces or all(
        by.sees(tenant_key(rollout.stack, each).namespace)
        for wave in rollout.waves
        for each in wave
    )
