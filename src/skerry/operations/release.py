"""One service's change carried to its end: the new release up, or the old one back.

Every step may be the last before a crash. What was done is read from the release's verdict
and from what the operation has said, so that doing it again finishes or undoes it.
"""

import logging
from dataclasses import replace
from datetime import datetime

from skerry.errors import OWN_FAULT, DeployFailed, SkerryError, Unavailable
from skerry.model.change import Action, Change, Release, Verdict
from skerry.model.objects import RELEASE, Manifest
from skerry.model.progress import Operation, Stage
from skerry.operations.before import run_before
from skerry.operations.platform import Platform
from skerry.operations.settling import judge_left, mark, settle
from skerry.operations.steps import Step, deployment_of
from skerry.operations.undo import undo
from skerry.operations.voice import Voice
from skerry.operations.waiting import wait_until_gone, wait_until_up

log = logging.getLogger(__name__)


async def carry_out_step(
    platform: Platform, step: Step, operation: Operation, *, voice: Voice
) -> None:
    """Raises DeployFailed after the release before is back; without a server also Unavailable,
    with the release as it was left."""
    if step.change.action is Action.DELETE:
        return await _remove(platform, step, operation, voice=voice)
    if step.change.action is Action.SETTLE:
        return await settle(platform, step, voice=voice)
    release = await _record(platform, step, operation)
    if release.verdict is Verdict.DEPLOYED:  # before a crash
        return None
    failure: SkerryError = _known_failure(platform, release)
    if release.verdict is Verdict.DEPLOYING:
        try:
            await _bring_up(platform, step, release, operation=operation, voice=voice)
        except SkerryError as error:
            failure = error
        except Exception:
            log.exception("deploying %s met a fault of Skerry's own", step.service)
            failure = _own_fault(platform, step)
        else:
            return await _end(platform, release, step, operation=operation, voice=voice)
    if isinstance(failure, Unavailable) and not platform.lasting:
        raise failure  # nobody can tell how the release is: `settling.py` does, next time
    await mark(platform, release, Verdict.FAILED, reason=failure.cause)
    if voice.has_said(Stage.APPLYING, step.service):
        await undo(platform, step, release, voice=voice, failure=failure)
    raise failure


async def _bring_up(
    platform: Platform, step: Step, release: Release, *, operation: Operation, voice: Voice
) -> None:
    service = step.service
    # 1. The command ahead of the release. Stop on error: nothing has changed yet.
    await run_before(platform, step, voice)
    # 2. From here on the engine wants the new release. Stop on error: it was not taken.
    await voice.say(
        Stage.APPLYING, f"release {release.number}: {step.change.reason}", service=service
    )
    take_over = bool(operation.request.get("take_over"))
    await platform.engine.apply(numbered(step.change, release.number), take_over=take_over)
    # 3. Stop on error: what cannot become ready is undone.
    if _waits(operation):
        deadline = step.change.deadline_seconds
        await wait_until_up(platform, service, voice, deadline_seconds=deadline)


def _waits(operation: Operation) -> bool:
    """Whether somebody looks how it ends; else `settling.py` does, next time."""
    return bool(operation.request.get("wait", True))


async def _end(
    platform: Platform, release: Release, step: Step, *, operation: Operation, voice: Voice
) -> None:
    said = f"release {release.number} is applied, and not waited for"
    if _waits(operation):
        await mark(platform, release, Verdict.DEPLOYED)
        said = f"release {release.number} is up"
    await voice.say(Stage.DONE, said, service=step.service)


async def _remove(platform: Platform, step: Step, operation: Operation, *, voice: Voice) -> None:
    """Removing is not undone: what is left goes with the next try."""
    await voice.say(Stage.APPLYING, f"removed: {step.change.reason}", service=step.service)
    volumes = any(key.kind == "PersistentVolumeClaim" for key in step.change.delete)
    await platform.engine.delete(step.service, volumes=volumes)
    if _waits(operation):
        deadline = step.change.deadline_seconds
        await wait_until_gone(platform, step.service, voice, deadline_seconds=deadline)
    said = "gone" if _waits(operation) else "is going, and not waited for"
    await voice.say(Stage.DONE, said, service=step.service)


async def _record(platform: Platform, step: Step, operation: Operation) -> Release:
    """This operation's release: a new one, or the one it had begun before a crash."""
    known = await platform.engine.releases(step.service)
    if known and known[0].at == operation.at and known[0].by == operation.by:
        return known[0]
    await judge_left(platform, known)
    number = known[0].number + 1 if known else 1
    release = release_of(step, number=number, by=operation.by, at=operation.at)
    await platform.engine.record(release)
    return release


def release_of(step: Step, *, number: int, by: str, at: datetime) -> Release:
    """The record of a change that is about to be made."""
    workload = deployment_of(step.change.objects)
    image = (
        "" if workload is None else workload["spec"]["template"]["spec"]["containers"][0]["image"]
    )
    return Release(
        service=step.service,
        number=number,
        image=image,
        by=by,
        at=at,
        reason=step.change.reason,
        inputs=step.change.inputs,
        objects=step.change.objects,
        before=step.change.before,
    )


def numbered(change: Change, release: int) -> Change:
    """The change with its release's number on the Deployment."""
    return replace(
        change,
        apply=tuple(number(each, release) for each in change.apply),
        objects=tuple(number(each, release) for each in change.objects),
    )


def number(manifest: Manifest, release: int) -> Manifest:
    """A Deployment with its release's number written on it; other objects as they are."""
    if manifest["kind"] != "Deployment":
        return manifest
    metadata = manifest["metadata"]
    annotations = {**metadata["annotations"], RELEASE: str(release)}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def _known_failure(platform: Platform, release: Release) -> DeployFailed:
    return DeployFailed(
        release.verdict_reason or "the server ended before it was up",
        subject=release.service.at(platform.engine.cell.cell),
        hint=f"skerry history {release.service}",
    )


def _own_fault(platform: Platform, step: Step) -> DeployFailed:
    return DeployFailed(
        OWN_FAULT,
        subject=step.service.at(platform.engine.cell.cell),
        hint="skerry doctor",
    )
