"""Documents in: plan, apply, down."""

from fastapi import APIRouter

from skerry.api.bodies import ApplyBody, DownBody, PlanBody
from skerry.api.routes.parts import AdminChanger, Applier, Viewer
from skerry.errors import Forbidden
from skerry.operations import delete, deploy
from skerry.operations.deploy import Request
from skerry.report.shapes import OperationView, PlanView
from skerry.report.views import operation_view, plan_view

router = APIRouter(tags=["documents"])


@router.post("/v1/plan")
async def plan(asker: Viewer, body: PlanBody) -> PlanView:
    """What applying these documents would change, and why. Changes nothing."""
    request = Request(
        sources=body.sources.sources(),
        by=asker.identity,
        only=tuple(body.only),
        whole=body.objects,
    )
    planned = await deploy.plan(asker.platform, request)
    objects = (each for bundle in planned.bundles for each in bundle.objects)
    return plan_view(planned.plan, objects=objects if body.objects else None)


@router.post("/v1/apply", status_code=202)
async def apply(asker: Applier, body: ApplyBody) -> OperationView:
    """Begin to make the cell as the documents say. Follow the operation's events."""
    request = Request(sources=body.sources.sources(), by=asker.identity, only=tuple(body.only))
    subject = f"repository/{body.sources.name}"
    try:
        operation = await deploy.apply(
            asker.platform,
            request,
            expected=body.plan,
            permit=asker.permit,
        )
    except Forbidden as error:
        await asker.refuse(error, subject)
        raise
    return operation_view(operation)


@router.post("/v1/down", status_code=202)
async def down(asker: AdminChanger, body: DownBody) -> OperationView:
    """Begin to remove all services, or those of one repository."""
    operation = await delete.down(
        asker.platform, repository=body.repository, volumes=body.volumes, by=asker.identity
    )
    return operation_view(operation)
