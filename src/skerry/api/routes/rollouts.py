"""Roll-outs of a stack in waves: begun, looked at, resumed, stopped, taken back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter

from skerry.api.access import Asker
from skerry.api.bodies import AbortBody, ResumeBody, RolloutBody, StackRollbackBody
from skerry.api.routes.parts import Applier, Cells, Segment, Viewer
from skerry.errors import Forbidden
from skerry.operations import stacks
from skerry.operations.answers import started_view
from skerry.operations.stack_answers import rollouts_view
from skerry.operations.versions import RolloutRequest
from skerry.report.rollout_shapes import RolloutsView
from skerry.report.shapes import StartedView

router = APIRouter(prefix="/v1/rollouts", tags=["rollouts"])


@router.get("")
async def rollouts(asker: Viewer, cells: Cells, stack: Segment | None = None) -> RolloutsView:
    """The last roll-out of every stack, or of one, in each cell."""
    found = await stacks.stands(asker.fleet, stack=stack, by=asker.identity, cells=cells)
    return rollouts_view(found)


@router.post("", status_code=202)
async def roll_out(asker: Applier, body: RolloutBody) -> StartedView:
    """Begin to give a stack's tenants a version, wave by wave, in each cell they run in."""
    request = RolloutRequest(
        sources=body.sources.sources(),
        by=asker.identity,
        stack=body.stack,
        version=body.version,
        steps=body.waves,
        first=tuple(body.first),
        bake_seconds=body.bake_seconds,
        max_failures=body.max_failures,
    )
    async with _audited(asker, body.stack):
        begun = await stacks.roll_out(asker.fleet, request, cells=body.cells, permit=asker.permit)
    return started_view(begun)


@router.post("/{stack}/resume", status_code=202)
async def resume(asker: Applier, stack: Segment, body: ResumeBody) -> StartedView:
    """Go on with one that halted, was aborted, or that nobody carries any more."""
    async with _audited(asker, stack):
        begun = await stacks.go_on(
            asker.fleet,
            stack,
            sources=body.sources.sources(),
            by=asker.identity,
            cells=body.cells,
            permit=asker.permit,
        )
    return started_view(begun)


@router.post("/{stack}/abort", status_code=202)
async def abort(asker: Applier, stack: Segment, *, cells: Cells, body: AbortBody) -> StartedView:
    """No further wave; with `undo`, what was done is taken back."""
    async with _audited(asker, stack):
        begun = await stacks.abort(
            asker.fleet,
            stack,
            undo=body.undo,
            by=asker.identity,
            cells=cells,
            permit=asker.permit,
        )
    return started_view(begun)


@router.post("/{stack}/rollback", status_code=202)
async def rollback(
    asker: Applier, stack: Segment, *, cells: Cells, body: StackRollbackBody
) -> StartedView:
    """Give every tenant the last roll-out changed what it ran before."""
    async with _audited(asker, stack):
        begun = await stacks.roll_back(
            asker.fleet,
            stack,
            steps=body.waves,
            by=asker.identity,
            cells=cells,
            permit=asker.permit,
        )
    return started_view(begun)


@asynccontextmanager
async def _audited(asker: Asker, stack: str) -> AsyncIterator[None]:
    try:
        yield
    except Forbidden as error:
        await asker.refuse(error, f"stack/{stack}")
        raise
