"""`rollback NAME`: an older release again, held there."""

from collections.abc import Sequence

from skerry.errors import NotFound
from skerry.model.access import Identity
from skerry.model.change import Plan, Release, Verdict
from skerry.model.keys import ServiceKey
from skerry.model.progress import Operation
from skerry.model.world import Snapshot
from skerry.operations.platform import Platform
from skerry.operations.single import begin_plan
from skerry.planner.release import new_hold, plan_release


async def rollback(
    platform: Platform, service: ServiceKey, *, to: int | None = None, by: Identity
) -> Operation:
    """Begin to bring back release `to`, else the newest deployed before the one that runs.
    Nothing is rendered anew. Raises NotFound, Conflict."""

    async def decide(snapshot: Snapshot) -> Plan:
        releases = await platform.engine.releases(service)
        release = choose(service, releases, to=to, cell=snapshot.cell)
        at = platform.clock.now()
        reason = f"rolled back to release {release.number}"
        hold = new_hold(service, snapshot, by=by.name, at=at, reason=reason)
        return plan_release(release, snapshot, limits=platform.engine.limits, hold=hold)

    return await begin_plan(platform, service, "rollback", by=by, decide=decide)


def choose(
    service: ServiceKey, releases: Sequence[Release], *, to: int | None, cell: str
) -> Release:
    """Which release to go back to; `releases` are newest first. Raises NotFound."""
    hint = f"skerry history {service}"
    deployed = [each for each in releases if each.verdict is Verdict.DEPLOYED]
    if to is None:
        if len(deployed) < 2:
            said = "has no earlier release that was up"
            raise NotFound(said, subject=service.at(cell), hint=hint)
        return deployed[1]
    found = next((each for each in releases if each.number == to), None)
    if found is None:
        raise NotFound(f"has no release {to}", subject=service.at(cell), hint=hint)
    return found
