"""Tenants a roll-out holds: a plan leaves them alone without opening them, and says so."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

from skerry.model.change import HeldBack, Plan
from skerry.model.held import is_held
from skerry.model.keys import DEFAULT_NAMESPACE, ServiceKey
from skerry.model.repository import Repository
from skerry.model.stack import tenant_key
from skerry.operations.logbook import Logbook
from skerry.operations.platform import Platform


async def with_held(
    platform: Platform,
    plan: Plan,
    repository: Repository,
    *,
    index: Mapping[ServiceKey, str],
    settled: Collection[ServiceKey],
) -> Plan:
    """The plan with a line for each stack of which a roll-out holds tenants; `index` is the
    cell's own, `settled` those that are as the documents want them."""
    held = {each for each in settled if is_held(index.get(each, ""))}
    if not held:
        return plan
    counts = Counter(
        stack.name
        for stack in repository.stacks
        for tenant in stack.tenants
        if tenant_key(stack.name, tenant) in held
    )
    lines = [await _line(platform, stack, count) for stack, count in sorted(counts.items())]
    return replace(plan, held=(*plan.held, *lines), unchanged=plan.unchanged - len(held))


async def _line(platform: Platform, stack: str, count: int) -> HeldBack:
    rollout = await Logbook(platform, stack).find()
    said = f"{count} tenant{'' if count == 1 else 's'} held by a roll-out"
    if rollout is not None:
        what = "taken back from" if rollout.undoes else "of"
        since = f"{rollout.at:%Y-%m-%d %H:%M}"
        said = f"{said} {what} version {rollout.version}, by {rollout.by} since {since}"
    return HeldBack(service=ServiceKey(DEFAULT_NAMESPACE, f"stack/{stack}"), reason=said)
