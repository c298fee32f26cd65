"""`restart NAME`: roll every replica without a new release."""

from skerry.model.access import Identity
from skerry.model.keys import ServiceKey
from skerry.model.progress import Operation, Stage
from skerry.operations.alone import alone
from skerry.operations.platform import Platform
from skerry.operations.scale import deadline_of
from skerry.operations.single import begin, look_at
from skerry.operations.voice import Voice
from skerry.operations.waiting import wait_until_up


async def restart(platform: Platform, service: ServiceKey, *, by: Identity) -> Operation:
    """Begin. Raises NotFound, Conflict."""
    snapshot = await look_at(platform, service)
    return await begin(
        platform,
        service,
        "restart",
        by=by,
        request={"deadline_seconds": deadline_of(snapshot, service)},
        work=lambda operation, voice: roll(platform, operation, voice),
    )


@alone
async def roll(platform: Platform, operation: Operation, voice: Voice) -> None:
    """Once, also when a crash comes between; then wait. Nothing to undo: same release."""
    service = ServiceKey(*operation.request["service"])
    if not voice.has_said(Stage.APPLYING, service):
        await platform.engine.restart(service)
        await voice.say(Stage.APPLYING, "every replica is replaced", service=service)
    deadline = operation.request["deadline_seconds"]
    await wait_until_up(platform, service, voice, deadline_seconds=deadline)
    await voice.say(Stage.DONE, "every replica is new", service=service)
