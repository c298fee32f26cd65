"""The `before:` command: run once, ahead of a release, in the new image."""

import asyncio
from collections import deque
from shlex import join
from typing import Final

from skerry.errors import DeployFailed
from skerry.model.objects import Manifest
from skerry.model.progress import Stage
from skerry.operations.platform import Platform
from skerry.operations.steps import Step
from skerry.operations.voice import Voice
from skerry.operations.waiting import with_ticks

RAN: Final = "ran to its end"
_LINES: Final = 20


async def run_before(platform: Platform, step: Step, voice: Voice) -> None:
    """Return once it has ended well; at once when there is none, or it ran before a crash.

    Raises DeployFailed with its last lines; also when the server ended while it ran, for
    nobody knows how far it came, and a migration must not run twice unasked.
    """
    job, service = step.change.before, step.service
    if job is None or voice.has_said(Stage.BEFORE, service, RAN):
        return
    if voice.has_said(Stage.BEFORE, service):
        raise _failed(platform, step, "the server ended while it ran; look how far it came")
    since, last = platform.clock.now(), deque[str](maxlen=_LINES)

    async def say() -> None:
        await voice.say(
            Stage.BEFORE, f"running {_command(job)}", service=service, since=since, last_lines=last
        )

    await say()
    try:
        code = await with_ticks(
            platform,
            _run(platform, step, last),
            tick=say,
            deadline_seconds=step.change.deadline_seconds,
        )
    except TimeoutError:
        raise _failed(platform, step, "did not end before the deadline", last=last) from None
    if code != 0:
        raise _failed(platform, step, f"exited {code}", last=last)
    await voice.say(Stage.BEFORE, RAN, service=service, since=since, last_lines=last)


async def _run(platform: Platform, step: Step, last: deque[str]) -> int:
    assert step.change.before is not None
    session = await platform.engine.run(step.change.before, beside=step.change.objects)
    try:
        await session.write(b"")
        rest = ""
        async for chunk in session.output():
            *lines, rest = (rest + chunk.data.decode("utf-8", "replace")).split("\n")
            last.extend(line for line in lines if line.strip())
        if rest.strip():
            last.append(rest)
        return await session.wait()
    finally:
        await asyncio.shield(session.close())


def _command(job: Manifest) -> str:
    return join(job["spec"]["template"]["spec"]["containers"][0].get("args") or ())


def _failed(
    platform: Platform, step: Step, cause: str, *, last: deque[str] | None = None
) -> DeployFailed:
    command = _command(step.change.before or {})
    by_hand = f"try it by hand: skerry run {step.service} -- {command}"
    return DeployFailed(
        f"`{command}`, run before the release, {cause}",
        subject=step.service.at(platform.engine.cell.cell),
        hint=by_hand if step.existed else f"skerry history {step.service}",
        last_lines=tuple(last or ()),
    )
