"""Looking at the machine, and at what the server itself cannot do."""

from skerry.model.process import Check
from skerry.model.world import Scope
from skerry.operations.platform import Platform


async def doctor(platform: Platform) -> tuple[Check, ...]:
    """Every check, the engine's troubles and the gateway's included. Never raises for what
    it finds."""
    checks = list(await platform.doctor.checks() if platform.doctor is not None else ())
    observation = await platform.engine.observe(Scope(services=frozenset()))
    checks += [
        Check(name="engine", ok=False, message=problem, hint="see the server's log")
        for problem in observation.problems
    ]
    if (proxy := platform.cells.gateway) is not None:
        gateway = proxy.status()
        hint = "" if gateway.live else "skerry server upgrade-gateway, or see the server's log"
        checks.append(Check(name="gateway", ok=gateway.live, message=gateway.reason, hint=hint))
    return tuple(checks)
