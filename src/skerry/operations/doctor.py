"""Looking at the machine, at each cell, and at what the server itself cannot do."""

from skerry.model.cell import EngineKind
from skerry.model.process import Check
from skerry.model.world import Scope
from skerry.operations.cells import LOOK_SECONDS, reach
from skerry.operations.fleet import Fleet
from skerry.operations.platform import Platform


async def doctor(fleet: Fleet) -> tuple[Check, ...]:
    """Every check: the machine's where it is a cell, and whether each cell answers. Never
    raises for what it finds."""
    platforms = fleet.platforms()
    here = any(each.cells.cell.engine is EngineKind.LOCAL for each in platforms)
    checks = list(await fleet.doctor.checks() if fleet.doctor is not None and here else ())
    looks = await reach(platforms, _problems, within_seconds=LOOK_SECONDS)
    for platform, problems in looks.good:
        name = "engine" if len(platforms) == 1 else f"cell {platform.name}"
        checks += [
            Check(name=name, ok=False, message=problem, hint="see the server's log")
            for problem in problems
        ]
        if not problems and platform.cells.cell.engine is not EngineKind.LOCAL:
            checks.append(Check(name=name, ok=True, message="answers", hint=""))
    for platform, error in looks.failed:
        checks.append(
            Check(name=f"cell {platform.name}", ok=False, message=str(error), hint=error.hint)
        )
    for platform in platforms:
        checks += _gateway(platform)
    return tuple(checks)


async def _problems(platform: Platform) -> tuple[str, ...]:
    return (await platform.engine.observe(Scope(services=frozenset()))).problems


def _gateway(platform: Platform) -> list[Check]:
    if (proxy := platform.cells.gateway) is None:
        return []
    gateway = proxy.status()
    hint = "" if gateway.live else "skerry server upgrade-gateway, or see the server's log"
    return [Check(name="gateway", ok=gateway.live, message=gateway.reason, hint=hint)]
