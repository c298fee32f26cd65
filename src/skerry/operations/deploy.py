"""From documents to running services: the whole way, top to bottom. Read this first.

    documents -> spec -> compiler -> planner -> engine -> observer -> report

`plan` goes as far as the planner and changes nothing. `apply` plans the same way, takes the
services, writes the operation down, and answers; `carry_out` then does it, outliving who
asked and, through `resume.py`, the server. What it says on the way is the report.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from skerry.errors import Conflict
from skerry.model.access import Identity
from skerry.model.cell import Cell
from skerry.model.change import Plan
from skerry.model.held import settled_index
from skerry.model.objects import Bundle
from skerry.model.progress import Operation, Stage
from skerry.model.repository import Repository
from skerry.model.sources import Sources
from skerry.model.world import Scope, Snapshot
from skerry.observer.understand import understand
from skerry.operations import scopes
from skerry.operations.alone import alone
from skerry.operations.cell import declared_cell
from skerry.operations.compiling import Wanted, compiled
from skerry.operations.fingerprints import fingerprints
from skerry.operations.held import with_held
from skerry.operations.layers import in_layers
from skerry.operations.platform import Platform
from skerry.operations.release import carry_out_step
from skerry.operations.steps import Step, read_steps, steps_of, write_steps
from skerry.operations.voice import Voice
from skerry.planner.drifted import without_drift
from skerry.planner.plan import differing
from skerry.planner.plan import plan as make_plan
from skerry.planner.settling import with_unsettled

Permit = Callable[[str], Awaitable[None]]
TRIES: Final = 5  # each means that a service of this plan was changed while it was made


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is wanted: the documents, some of their services or all, and by whom. With `whole`,
    every service is compiled, also those that need no change. `repository` are the documents
    where they were loaded already. Of fields others own, `take_over` takes the ownership;
    without `wait` nobody looks whether what was applied comes up: see `settling.py`. `because`
    stands before the reason of each change in the history: a commit, say. Without `drift`
    only what the documents changed is in the plan."""

    sources: Sources
    by: Identity
    only: tuple[str, ...] = ()
    whole: bool = False
    repository: Repository | None = None
    take_over: bool = False
    wait: bool = True
    because: str = ""
    drift: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and what it was made from."""

    plan: Plan
    cell: Cell
    bundles: tuple[Bundle, ...]
    snapshot: Snapshot
    repository: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What an apply began, of which plan. No operation where nothing was to do."""

    planned: Planned
    operation: Operation | None


async def plan(platform: Platform, request: Request) -> Planned:
    """What applying these documents would change, in order, each change with its reason.

    Raises InvalidDocuments with every problem at once, Forbidden, Conflict.
    """
    # 1. spec: documents -> models. Stop on error: all problems at once, nothing changed.
    repository = request.repository
    if repository is None:
        repository = await asyncio.to_thread(platform.load, request.sources)
    scopes.require(request.by, scopes.namespaces_of(repository))
    cell = await declared_cell(platform, repository)
    # 2. compiler: models -> bundles; what the cell already runs is not compiled again.
    #    Stop on error.
    index = await platform.engine.index()
    wanted = Wanted(
        contents=request.sources.contents,
        fingerprints=await fingerprints(platform.references, repository, cell),
        index=settled_index(index),
        now=platform.clock.now(),
        only=request.only,
        whole=request.whole,
    )
    made = await compiled(repository, cell, wanted)
    bundles = made.bundles
    # 3. observer: one look at what was applied of what differs -> a snapshot. Stop on error.
    opened = differing(
        bundles, wanted.index, repository=repository.name, settled=made.elsewhere.settled
    )
    opened |= {bundle.service for bundle in bundles if bundle.objects}
    snapshot = understand(await platform.engine.inventory(Scope(services=opened)))
    # 4. planner: bundles and snapshot -> a plan. Stop on error.
    planned = make_plan(
        bundles,
        snapshot,
        repository=repository.name,
        limits=platform.engine.limits,
        prune=not request.only,
        elsewhere=made.elsewhere,
    )
    if not request.drift:
        planned = without_drift(planned, snapshot)
    busy = platform.running.busy(platform.name)
    planned = with_unsettled(planned, bundles, snapshot, busy=busy)
    planned = await with_held(
        platform, planned, repository, index=index, settled=made.elsewhere.settled
    )
    scopes.require(request.by, (change.service.namespace for change in planned.changes))
    return Planned(
        plan=planned, cell=cell, bundles=bundles, snapshot=snapshot, repository=repository.name
    )


async def apply(
    platform: Platform,
    request: Request,
    *,
    expected: str | None = None,
    permit: Callable[[str], Awaitable[None]] | None = None,
) -> Operation:
    """Begin to make the cell as the documents say; with a plan's digest, only exactly that.
    `permit` is told the subject once all is checked, before anything changes.

    Raises what `plan` does, and Conflict when the plan is another by now or one of its
    services is being changed.
    """
    begun = await begin(platform, request, expected=expected, permit=permit, idle=True)
    assert begun.operation is not None, "also nothing is an operation when it was asked for"
    return begun.operation


async def begin(
    platform: Platform,
    request: Request,
    *,
    expected: str | None = None,
    permit: Callable[[str], Awaitable[None]] | None = None,
    idle: bool = False,
) -> Begun:
    """As `apply`; where nothing is to change, an operation only when `idle`."""
    async with platform.planning:
        for attempt in range(TRIES):
            seen = platform.running.ended
            # 1. Plan as `plan` does. Stop on error: nothing changed.
            planned = await plan(platform, request)
            _check(planned, request.by, expected=expected)
            if planned.plan.empty and not idle:
                return Begun(planned=planned, operation=None)
            if permit is not None and not attempt:
                await permit(f"repository/{planned.repository}")
            # 2. The first documents of an empty server say what its cell is. Stop on error.
            if planned.cell != platform.engine.cell:
                await platform.cells.become(planned.cell)
            await platform.cells.ready()
            # 3. Take the services, write the operation, begin. Stop on error; but whoever asked
            #    and leaves now does not leave it half begun.
            if started := await asyncio.shield(_start(platform, planned, request, seen=seen)):
                return Begun(planned=planned, operation=started)
    raise Conflict(
        "its services are being changed all the time",
        subject=f"repository/{request.sources.name}",
        hint="skerry operations",
    )


@alone
async def carry_out(platform: Platform, operation: Operation, voice: Voice) -> None:
    """The changes of an operation: layers in order, the services of a layer side by side.

    A service that fails is undone, and its neighbours carry on; what depends on it is not
    started. Raises DeployFailed at the end, with everything that failed.
    """
    steps = read_steps(operation.request["steps"])
    await voice.say(Stage.PLANNED, _summary(len(steps)))

    await in_layers(
        steps, lambda step: carry_out_step(platform, step, operation, voice=voice), voice=voice
    )


def _check(planned: Planned, by: Identity, *, expected: str | None) -> None:
    """The plan is the one that was agreed to, and the token reaches every object of it: a
    door opened by `depends` stands in the other's namespace."""
    if expected is not None and planned.plan.digest != expected:
        raise Conflict(
            "what would change is not what it was when you looked",
            subject=f"repository/{planned.repository}",
            hint="skerry plan",
        )
    touched = {
        str(each["metadata"].get("namespace", ""))
        for change in planned.plan.changes
        for each in change.apply
    }
    scopes.require(by, touched - {""})


async def _start(
    platform: Platform, planned: Planned, request: Request, *, seen: int
) -> Operation | None:
    steps = [_because(step, request.because) for step in steps_of(planned.plan, planned.snapshot)]
    operation = platform.running.draft(
        "apply",
        by=request.by.name,
        subject=f"repository/{planned.repository}",
        cell=platform.name,
        request={"steps": write_steps(steps), **_manner(request)},
    )
    return await platform.running.start(
        operation,
        [step.service for step in steps],
        lambda operation, voice: carry_out(platform, operation, voice),
        seen=seen,
    )


def _manner(request: Request) -> dict[str, bool]:
    """What is otherwise than usual, as an operation's request says it."""
    manner = {"take_over": True} if request.take_over else {}
    return manner if request.wait else {**manner, "wait": False}


def _because(step: Step, because: str) -> Step:
    if not because:
        return step
    reason = f"{because}: {step.change.reason}"
    return replace(step, change=replace(step.change, reason=reason))


def _summary(count: int) -> str:
    if not count:
        return "nothing to change"
    return f"{count} service{'s' if count != 1 else ''} to change"
