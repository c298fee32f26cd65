"""Bringing back what ran before a release that failed."""

from skerry.errors import DeployFailed, SkerryError
from skerry.model.change import Action, Change, Release, Verdict
from skerry.model.keys import ObjectKey
from skerry.model.objects import HOLD, RELEASE, Manifest, key_of
from skerry.model.progress import Stage
from skerry.operations.insisting import insist
from skerry.operations.platform import Platform
from skerry.operations.steps import Step
from skerry.operations.voice import Voice
from skerry.operations.waiting import wait_until_gone, wait_until_up

# Data is nobody's to remove here, and what a replica on its way out may still read goes with
# the next release.
_STAYS = frozenset({"PersistentVolumeClaim", "ConfigMap", "Secret"})


async def undo(
    platform: Platform, step: Step, failed: Release, *, voice: Voice, failure: SkerryError
) -> None:
    """Restore the newest deployed release before the failed one, and wait until it is whole;
    remove the service when it was not there before. Doing it twice does no harm. What failed
    is gone then, with its logs: the failure's hint becomes the history, which says why.

    Raises DeployFailed when that does not come up either: then both are named.
    """
    lines = failure.last_lines if isinstance(failure, DeployFailed) else ()
    before = await release_before(platform, failed)
    said = f"{failure.cause}; {_intent(before, step)}"
    await voice.say(Stage.RESTORING, said, service=step.service, last_lines=lines)
    try:
        if before is not None:
            await _restore(platform, step, failed, voice=voice, before=before)
        elif not step.existed:
            await insist(platform, lambda: platform.engine.delete(step.service, volumes=False))
            deadline = step.change.deadline_seconds
            await wait_until_gone(platform, step.service, voice, deadline_seconds=deadline)
    except SkerryError as error:
        raise DeployFailed(
            f"{failure.cause}; and what ran before does not come back: {error.cause}",
            subject=step.service.at(platform.engine.cell.cell),
            hint=f"skerry status {step.service}",
            last_lines=lines,
        ) from error
    if before is not None or not step.existed:
        failure.hint = f"skerry history {step.service}"
    restored = "removed" if before is None else f"release {before.number} is back"
    await voice.say(
        Stage.FAILED,
        f"{failure.cause}; {restored if before or not step.existed else 'left as it is'}",
        service=step.service,
        last_lines=lines,
    )


async def release_before(platform: Platform, failed: Release) -> Release | None:
    """The newest one that was up before the one that failed."""
    known = await insist(platform, lambda: platform.engine.releases(failed.service))
    older = (each for each in known if each.number < failed.number)
    return next((each for each in older if each.verdict is Verdict.DEPLOYED), None)


def _intent(before: Release | None, step: Step) -> str:
    if before is not None:
        return f"bringing back release {before.number}"
    return "no release to go back to" if step.existed else "removing it: nothing ran before"


async def _restore(
    platform: Platform, step: Step, failed: Release, *, voice: Voice, before: Release
) -> None:
    change = way_back(failed, before, hold=step.hold)
    await insist(platform, lambda: platform.engine.apply(change))
    await wait_until_up(
        platform,
        step.service,
        voice,
        deadline_seconds=step.change.deadline_seconds,
        stage=Stage.RESTORING,
    )


def way_back(failed: Release, before: Release, *, hold: str | None) -> Change:
    """From a release that failed to the one before; held as it was before the one that failed."""
    objects = tuple(_as_it_was(each, hold, before.number) for each in before.objects)
    kept = {key_of(each) for each in objects}
    return Change(
        service=failed.service,
        action=Action.UPDATE,
        reason=f"release {failed.number} failed",
        apply=objects,
        objects=objects,
        delete=tuple(_leftovers(failed, kept)),
        inputs=before.inputs,
    )


def _leftovers(failed: Release, kept: set[ObjectKey]) -> list[ObjectKey]:
    keys = (key_of(each) for each in failed.objects)
    return [key for key in keys if key not in kept and key.kind not in _STAYS]


def _as_it_was(manifest: Manifest, hold: str | None, release: int) -> Manifest:
    """A release's object, held as it was before the release that failed."""
    if manifest["kind"] != "Deployment":
        return manifest
    annotations = {**manifest["metadata"]["annotations"], RELEASE: str(release)}
    annotations.pop(HOLD, None)
    if hold is not None:
        annotations[HOLD] = hold
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}
