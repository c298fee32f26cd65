"""`scale NAME N`: a count of replicas by hand, for a while or until told otherwise."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from skerry.errors import DeployFailed, Refused, SkerryError
from skerry.model.access import Identity
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import DEADLINE, annotation
from skerry.model.progress import Operation, Stage
from skerry.model.units import show_seconds
from skerry.model.world import Override, Snapshot
from skerry.operations.alone import alone
from skerry.operations.insisting import insist
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
    the document's count is back by itself. More replicas that do not come up are taken back.
    Raises NotFound, Refused, Conflict."""
    snapshot = await look_at(platform, service)
    _check(snapshot, service, replicas=replicas, for_seconds=for_seconds)
    now = platform.clock.now()
    until = now + timedelta(seconds=for_seconds) if for_seconds and replicas is not None else None
    state = snapshot.services[service]
    request = {
        "replicas": replicas,
        "up": replicas is not None and replicas > state.desired,
        "before": _write(state.override),
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


@alone
async def set_count(platform: Platform, operation: Operation, voice: Voice) -> None:
    """More replicas that do not come up are taken back: what was wanted before is wanted again.
    Fewer of them, or the document's count, stay wanted: nothing new has failed."""
    request, service = operation.request, ServiceKey(*operation.request["service"])
    override = None
    if request["replicas"] is not None:
        until = datetime.fromisoformat(request["until"]) if request["until"] else None
        override = Override(
            replicas=request["replicas"], by=operation.by, at=operation.at, until=until
        )
    failure: SkerryError = DeployFailed(
        "the server ended before they were up",
        subject=service.at(platform.engine.cell.cell),
        hint=f"skerry logs {service}",
    )
    if not voice.has_said(Stage.RESTORING, service):
        try:
            return await _change(platform, operation, voice, override=override)
        except SkerryError as error:
            if not request["up"]:
                raise
            failure = error
    await _take_back(platform, operation, voice, failure=failure)
    raise failure


async def _change(
    platform: Platform, operation: Operation, voice: Voice, *, override: Override | None
) -> None:
    request, service = operation.request, ServiceKey(*operation.request["service"])
    said = f"{request['replicas']} replicas" + (f" for {request['for']}" if request["for"] else "")
    said = said if override is not None else "as many replicas as its document says"
    await voice.say(Stage.APPLYING, said, service=service)
    await platform.engine.scale(service, override)
    await wait_until_up(platform, service, voice, deadline_seconds=request["deadline_seconds"])
    await voice.say(Stage.DONE, said, service=service)


async def _take_back(
    platform: Platform, operation: Operation, voice: Voice, *, failure: SkerryError
) -> None:
    """What was set by hand before, as long as that lasts, else what the document says."""
    request, service = operation.request, ServiceKey(*operation.request["service"])
    lines = failure.last_lines if isinstance(failure, DeployFailed) else ()
    before = _read(request["before"])
    if before is not None and before.until and before.until <= platform.clock.now():
        before = None
    count = "the document's count" if before is None else f"{before.replicas} replicas"
    said = f"{failure.cause}; going back to {count}"
    await voice.say(Stage.RESTORING, said, service=service, last_lines=lines)
    await insist(platform, lambda: platform.engine.scale(service, before))
    try:
        deadline = request["deadline_seconds"]
        await wait_until_up(
            platform, service, voice, deadline_seconds=deadline, stage=Stage.RESTORING
        )
    except SkerryError as error:
        raise DeployFailed(
            f"{failure.cause}; and with {count} it is not well either: {error.cause}",
            subject=failure.subject,
            hint=f"skerry status {service}",
            last_lines=lines,
        ) from error
    said = f"{failure.cause}; {count} is wanted again"
    await voice.say(Stage.FAILED, said, service=service, last_lines=lines)


def _write(override: Override | None) -> dict[str, Any] | None:
    if override is None:
        return None
    until = override.until.isoformat() if override.until else None
    return {**asdict(override), "at": override.at.isoformat(), "until": until}


def _read(written: dict[str, Any] | None) -> Override | None:
    if written is None:
        return None
    until = datetime.fromisoformat(written["until"]) if written["until"] else None
    at = datetime.fromisoformat(written["at"])
    return Override(replicas=written["replicas"], by=written["by"], at=at, until=until)


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
