"""Drift put right: objects that are not as they were applied are applied again, from the
release that runs. Nothing is compiled, so nothing else changes."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from skerry.errors import NotFound, SkerryError
from skerry.model.access import Identity
from skerry.model.change import Action, Change, Release, Verdict
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import HOLD, RELEASE, Manifest, annotation, key_of
from skerry.model.progress import Operation, Stage
from skerry.model.world import Finding, Scope, Trouble
from skerry.operations.alone import alone
from skerry.operations.platform import Platform
from skerry.operations.release import number
from skerry.operations.steps import deployment_of
from skerry.operations.voice import Voice

AT_ONCE: Final = 16
# What nobody wants any more, and what another has taken over on purpose, is for a person to
# decide: those are only told.
_REPAIRED: Final = frozenset({Trouble.DRIFT, Trouble.MISSING})


def repairable(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that applying again puts right."""
    return tuple(
        each for each in findings if each.trouble in _REPAIRED and each.service is not None
    )


async def repair(platform: Platform, findings: Sequence[Finding], *, by: Identity) -> Operation:
    """Begin. Raises Conflict when one of the services is being changed: then what was found
    may be out of date."""
    drift: dict[ServiceKey, list[list[str]]] = {}
    for finding in repairable(findings):
        assert finding.service is not None
        drift.setdefault(finding.service, []).append([*finding.key, finding.reason])
    services = sorted(drift)
    operation = platform.running.draft(
        "repair",
        by=by.name,
        subject=f"cell/{platform.name}",
        cell=platform.name,
        request={
            "layers": [[list(each) for each in services]],
            "drift": [drift[each] for each in services],
        },
    )
    async with platform.planning:
        seen = platform.running.ended
        started = await platform.running.start(
            operation,
            services,
            lambda operation, voice: put_right(platform, operation, voice),
            seen=seen,
        )
    assert started is not None, "nothing ends between reading the mark and looking at it"
    return started


@alone
async def put_right(platform: Platform, operation: Operation, voice: Voice) -> None:
    """Each service by itself; one that fails stops no other. Doing it twice does no harm.
    Raises SkerryError with everything that failed."""
    (written,) = operation.request["layers"]
    services = [ServiceKey(*each) for each in written]
    scope = Scope(services=frozenset(services))
    live = {
        key_of(each): each
        for each in (await platform.engine.inventory(scope)).objects
        if each["kind"] == "Deployment"
    }
    room = asyncio.Semaphore(AT_ONCE)
    failures: list[SkerryError] = []

    async def one(service: ServiceKey, drift: Sequence[Sequence[str]]) -> None:
        workload = live.get(ObjectKey("Deployment", *service))
        reasons = {ObjectKey(*each[:3]): each[3] for each in drift}
        async with room:
            try:
                await _put_right(platform, service, reasons, workload=workload, voice=voice)
            except SkerryError as error:
                failures.append(error)
                await voice.say(Stage.FAILED, error.cause, service=service)

    await asyncio.gather(*map(one, services, operation.request["drift"]))
    if failures:
        raise SkerryError(
            "\n".join(str(each) for each in failures),
            subject=f"cell/{platform.name}",
            hint=failures[0].hint,
        )


async def _put_right(
    platform: Platform,
    service: ServiceKey,
    reasons: Mapping[ObjectKey, str],
    *,
    workload: Manifest | None,
    voice: Voice,
) -> None:
    release = _running(await platform.engine.releases(service), workload)
    if release is None:
        raise NotFound(
            "has no release to repair it from",
            subject=service.at(platform.name),
            hint="skerry apply",
        )
    change = way_to(release, reasons, workload=workload)
    if not change.apply:
        return
    said = "; ".join(f"{key}: {reason}" for key, reason in reasons.items())
    await voice.say(Stage.APPLYING, f"applied again: {said}", service=service)
    # Never by force: the engine takes back what a person changed, and nothing of another's.
    await platform.engine.apply(change)
    await voice.say(Stage.DONE, f"as release {release.number}", service=service)


def way_to(
    release: Release, reasons: Mapping[ObjectKey, str], *, workload: Manifest | None
) -> Change:
    """Those of the release's objects again; held as the service is now."""
    objects = tuple(_as_now(number(each, release.number), workload) for each in release.objects)
    return Change(
        service=release.service,
        action=Action.CONFIGURE,
        reason="; ".join(sorted(set(reasons.values()))),
        apply=tuple(each for each in objects if key_of(each) in reasons),
        objects=objects,
        inputs=release.inputs,
    )


def _running(known: Sequence[Release], workload: Manifest | None) -> Release | None:
    """The one the workload says it is; where it is gone, the newest that was up."""
    said = None if workload is None else annotation(workload, RELEASE)
    found = next((each for each in known if str(each.number) == said), None)
    return found or next((each for each in known if each.verdict is Verdict.DEPLOYED), None)


def _as_now(manifest: Manifest, workload: Manifest | None) -> Manifest:
    """A hold may be younger than the release."""
    if workload is None or manifest is not deployment_of([manifest]):
        return manifest
    metadata = manifest["metadata"]
    annotations = {name: each for name, each in metadata["annotations"].items() if name != HOLD}
    hold = annotation(workload, HOLD)
    if hold is not None:
        annotations[HOLD] = hold
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}
