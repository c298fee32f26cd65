"""Verdicts on releases whose writer never came back for them.

A command that was interrupted, or told not to wait, leaves a release `deploying`. The next
apply of its service waits for it, or undoes it; the next release says how it was.
"""

from collections.abc import Sequence
from dataclasses import replace

from skerry.errors import SkerryError
from skerry.model.change import Release, Verdict
from skerry.model.keys import ServiceKey
from skerry.model.progress import Stage
from skerry.model.world import Scope, ServiceState
from skerry.observer.rollout import Done, progress
from skerry.observer.understand import understand
from skerry.operations.insisting import insist
from skerry.operations.platform import Platform
from skerry.operations.steps import Step
from skerry.operations.undo import undo
from skerry.operations.voice import Voice
from skerry.operations.waiting import wait_until_up


async def mark(platform: Platform, release: Release, verdict: Verdict, *, reason: str = "") -> None:
    """Write how a release ended, however long that takes."""
    judged = replace(release, verdict=verdict, verdict_reason=reason)
    await insist(platform, lambda: platform.engine.record(judged))


async def settle(platform: Platform, step: Step, *, voice: Voice) -> None:
    """Wait for the release that was begun. Raises DeployFailed after the one before is back."""
    known = await platform.engine.releases(step.service)
    state = await _look(platform, step.service)
    if not known or known[0].verdict is not Verdict.DEPLOYING:
        return await voice.say(Stage.DONE, "was looked after meanwhile", service=step.service)
    release = known[0]
    if state is None or state.release != release.number:
        await mark(platform, release, Verdict.FAILED, reason="it was never applied")
        said = f"release {release.number} was never applied"
        return await voice.say(Stage.DONE, said, service=step.service)
    try:
        await wait_until_up(
            platform, step.service, voice, deadline_seconds=step.change.deadline_seconds
        )
    except SkerryError as failure:
        await mark(platform, release, Verdict.FAILED, reason=failure.cause)
        await undo(platform, step, release, voice=voice, failure=failure)
        raise
    await mark(platform, release, Verdict.DEPLOYED)
    return await voice.say(Stage.DONE, f"release {release.number} is up", service=step.service)


async def judge_left(platform: Platform, known: Sequence[Release]) -> None:
    """Before a new release takes its place: how the newest is now, where nobody said it."""
    if not known or known[0].verdict is not Verdict.DEPLOYING:
        return
    release = known[0]
    state = await _look(platform, release.service)
    if state is not None and state.release == release.number and isinstance(progress(state), Done):
        await mark(platform, release, Verdict.DEPLOYED)
    else:
        await mark(platform, release, Verdict.FAILED, reason="replaced before it came up")


async def _look(platform: Platform, service: ServiceKey) -> ServiceState | None:
    scope = Scope(services=frozenset({service}))
    return understand(await platform.engine.observe(scope)).services.get(service)
