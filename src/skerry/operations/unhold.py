"""`unhold NAME`: give a held service back to its document."""

from skerry.model.access import Identity
from skerry.model.keys import ServiceKey
from skerry.model.progress import Operation, Stage
from skerry.operations.alone import alone
from skerry.operations.platform import Platform
from skerry.operations.single import begin, look_at
from skerry.operations.voice import Voice
from skerry.planner.release import plan_unhold


async def unhold(platform: Platform, service: ServiceKey, *, by: Identity) -> Operation:
    """Begin. Nothing rolls and no release is made; the next apply does what the document
    says. Raises NotFound, Conflict; a service that is not held is no error."""
    await look_at(platform, service)
    return await begin(
        platform,
        service,
        "unhold",
        by=by,
        request={},
        work=lambda operation, voice: let_go(platform, operation, voice),
    )


@alone
async def let_go(platform: Platform, operation: Operation, voice: Voice) -> None:
    """Apply the Deployment without its hold. Doing it twice does no harm."""
    service = ServiceKey(*operation.request["service"])
    plan = plan_unhold(service, await look_at(platform, service))
    for change in plan.changes:
        await platform.engine.apply(change)
        await voice.say(Stage.DONE, change.reason, service=service)
    if plan.empty:
        await voice.say(Stage.DONE, "is not held", service=service)
