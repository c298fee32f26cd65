"""Documents in: plan, apply, down."""

from fastapi import APIRouter

from skerry.api.bodies import ApplyBody, DownBody, PlanBody
from skerry.api.routes.parts import AdminChanger, Applier, Viewer
from skerry.errors import Forbidden
from skerry.operations import everywhere
from skerry.operations.answers import applied_view, plans_view, started_view
from skerry.operations.deploy import Request
from skerry.report.shapes import AppliedView, PlansView, StartedView

router = APIRouter(tags=["documents"])


@router.post("/v1/plan")
async def plan(asker: Viewer, body: PlanBody) -> PlansView:
    """What applying these documents would change in each cell they mean, and why. Changes
    nothing."""
    request = Request(
        sources=body.sources.sources(),
        by=asker.identity,
        only=tuple(body.only),
        whole=body.objects,
    )
    planned = await everywhere.plan(asker.fleet, request, cells=body.cells)
    return plans_view(planned, objects=body.objects)


@router.post("/v1/apply", status_code=202)
async def apply(asker: Applier, body: ApplyBody) -> AppliedView:
    """Begin to make each cell as the documents say. Follow the operations' events."""
    request = Request(
        sources=body.sources.sources(),
        by=asker.identity,
        only=tuple(body.only),
        take_over=body.take_over,
    )
    subject = f"repository/{body.sources.name}"
    try:
        begun = await everywhere.apply(
            asker.fleet,
            request,
            cells=body.cells,
            expected=body.plan,
            permit=asker.permit,
        )
    except Forbidden as error:
        await asker.refuse(error, subject)
        raise
    return applied_view(begun)


@router.post("/v1/down", status_code=202)
async def down(asker: AdminChanger, body: DownBody) -> StartedView:
    """Begin to remove all services, or those of one repository, in each cell."""
    begun = await everywhere.down(
        asker.fleet,
        repository=body.repository,
        volumes=body.volumes,
        cells=body.cells,
        by=asker.identity,
    )
    return started_view(begun)
