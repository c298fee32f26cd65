"""`scale NAME N`: a count of replicas by hand, for a while or until told otherwise."""

from datetime import datetime, timedelta
from typing import Final

from skerry.errors import Refused
from skerry.model.access import Identity
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import DEADLINE, annotation
from skerry.model.progress import Operation, Stage
from skerry.model.units import show_seconds
from skerry.model.world import Override, Snapshot
from skerry.operations.platform import Platform
from skerry.operations.single import begin, look_at
from skerry.operations.voice import Voice
from skerry.operations.waiting import wait_until_up

MOST: Final = 1000
DEADLINE_SECONDS: Final = 300.0


async def scale(
    platform: Platform,
    service: ServiceKey,
    *,
    replicas: int | None,
    for_seconds: float | None = None,
    by: Identity,
) -> Operation:
    """Begin to run that many, or as many as the document says (None). After `for_seconds`
    the document's count is back by itself. Raises NotFound, Refused, Conflict."""
    snapshot = await look_at(platform, service)
    _check(snapshot, service, replicas=replicas, for_seconds=for_seconds)
    now = platform.clock.now()
    until = now + timedelta(seconds=for_seconds) if for_seconds and replicas is not None else None
    request = {
        "replicas": replicas,
        "until": until.isoformat() if until else None,
        "for": show_seconds(for_seconds) if until and for_seconds else "",
        "deadline_seconds": deadline_of(snapshot, service),
    }
    return await begin(
        platform,
        service,
        "scale",
        by=by,
        request=request,
        work=lambda operation, voice: set_count(platform, operation, voice),
    )


async def set_count(platform: Platform, operation: Operation, voice: Voice) -> None:
    """Not undone when the replicas do not come up: the count asked for stays wanted."""
    request, service = operation.request, ServiceKey(*operation.request["service"])
    override = None
    if request["replicas"] is not None:
        until = datetime.fromisoformat(request["until"]) if request["until"] else None
        override = Override(
            replicas=request["replicas"], by=operation.by, at=operation.at, until=until
        )
    said = f"{request['replicas']} replicas" + (f" for {request['for']}" if request["for"] else "")
    said = said if override is not None else "as many replicas as its document says"
    await voice.say(Stage.APPLYING, said, service=service)
    await platform.engine.scale(service, override)
    await wait_until_up(platform, service, voice, deadline_seconds=request["deadline_seconds"])
    await voice.say(Stage.DONE, said, service=service)


def deadline_of(snapshot: Snapshot, service: ServiceKey) -> float:
    """How long the service may take to come up, as its document says."""
    live = snapshot.objects.get(ObjectKey("Deployment", service.namespace, service.name))
    written = annotation(live, DEADLINE) if live is not None else None
    return float(written) if written else DEADLINE_SECONDS


def _check(
    snapshot: Snapshot, service: ServiceKey, *, replicas: int | None, for_seconds: float | None
) -> None:
    subject = service.at(snapshot.cell)
    if replicas is not None and not 0 <= replicas <= MOST:
        raise Refused(f"replicas should be from 0 to {MOST}", subject=subject)
    if for_seconds is not None and not 0 < for_seconds <= 366 * 86400:
        raise Refused("the time should be from 1s to a year", subject=subject)
    live = snapshot.objects[ObjectKey("Deployment", service.namespace, service.name)]
    recreated = (live["spec"].get("strategy") or {}).get("type") == "Recreate"
    if recreated and replicas is not None and replicas > 1:
        raise Refused(
            "has a volume, which has one writer: more than 1 replica is not possible",
            subject=subject,
            hint=f"skerry scale {service} 1",
        )
