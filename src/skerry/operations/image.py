"""`deploy NAME --image X`: another image for what runs, held there."""

from skerry.errors import Refused
from skerry.model.access import Identity
from skerry.model.change import Plan
from skerry.model.keys import ServiceKey
from skerry.model.progress import Operation
from skerry.model.world import Snapshot
from skerry.operations.platform import Platform
from skerry.operations.single import begin_plan
from skerry.planner.release import new_hold, plan_image


async def deploy_image(
    platform: Platform, service: ServiceKey, image: str, *, by: Identity
) -> Operation:
    """Begin. The service is held until its document changes or it is given back.
    Raises NotFound, Conflict, Refused."""
    if not image or len(image) > 512 or any(each.isspace() for each in image):
        raise Refused(
            "is no image", subject=f"image/{image[:80]}", hint="as ghcr.io/acme/web:1.4.3"
        )

    async def decide(snapshot: Snapshot) -> Plan:
        reason = f"deployed image {image} by hand"
        at = platform.clock.now()
        hold = new_hold(service, snapshot, by=by.name, at=at, reason=reason)
        return plan_image(service, image, snapshot, limits=platform.engine.limits, hold=hold)

    return await begin_plan(platform, service, "deploy", by=by, decide=decide)
