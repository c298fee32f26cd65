"""Looking at the machine, and at what the server itself cannot do."""

from skerry.model.process import Check
from skerry.operations.platform import Platform


async def doctor(platform: Platform) -> tuple[Check, ...]:
    """Every check, the gateway's included. Never raises for what it finds."""
    checks = await platform.doctor.checks() if platform.doctor is not None else ()
    if platform.gateway is None:
        return checks
    gateway = platform.gateway.status()
    hint = "" if gateway.live else "skerry server upgrade-gateway, or see the server's log"
    return (*checks, Check(name="gateway", ok=gateway.live, message=gateway.reason, hint=hint))
