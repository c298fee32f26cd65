"""Changes to one service. Each begins an operation in every cell it is in, and answers at once."""

from fastapi import APIRouter

from skerry.api.bodies import DeployBody, EmptyBody, RollbackBody, ScaleBody
from skerry.api.routes.parts import Cells, Changer, Service
from skerry.operations import everywhere
from skerry.operations.answers import started_view
from skerry.operations.delete import delete as delete_service
from skerry.operations.image import deploy_image
from skerry.operations.restart import restart as restart_service
from skerry.operations.rollback import rollback as roll_back
from skerry.operations.scale import scale as scale_service
from skerry.operations.unhold import unhold as unhold_service
from skerry.report.shapes import StartedView

router = APIRouter(prefix="/v1/services/{namespace}/{name}", tags=["changes"])


@router.post("/deploy", status_code=202)
async def deploy(
    asker: Changer, service: Service, *, cells: Cells, body: DeployBody
) -> StartedView:
    """Another image for what runs; the service is held there."""
    begun = await everywhere.change(
        asker.fleet,
        service,
        lambda each: deploy_image(each, service, body.image, by=asker.identity),
        cells=cells,
    )
    return started_view(begun)


@router.post("/rollback", status_code=202)
async def rollback(
    asker: Changer, service: Service, *, cells: Cells, body: RollbackBody
) -> StartedView:
    """The release before, or an older one (of one cell); the service is held there."""
    if body.to is not None:
        cells = ((await everywhere.home(asker.fleet, service, cells=cells)).name,)
    begun = await everywhere.change(
        asker.fleet,
        service,
        lambda each: roll_back(each, service, to=body.to, by=asker.identity),
        cells=cells,
    )
    return started_view(begun)


@router.post("/unhold", status_code=202)
async def unhold(asker: Changer, service: Service, *, cells: Cells, body: EmptyBody) -> StartedView:
    """Give a held service back to its document."""
    begun = await everywhere.change(
        asker.fleet,
        service,
        lambda each: unhold_service(each, service, by=asker.identity),
        cells=cells,
    )
    return started_view(begun)


@router.post("/restart", status_code=202)
async def restart(
    asker: Changer, service: Service, *, cells: Cells, body: EmptyBody
) -> StartedView:
    """Roll every replica without a new release."""
    begun = await everywhere.change(
        asker.fleet,
        service,
        lambda each: restart_service(each, service, by=asker.identity),
        cells=cells,
    )
    return started_view(begun)


@router.post("/scale", status_code=202)
async def scale(asker: Changer, service: Service, *, cells: Cells, body: ScaleBody) -> StartedView:
    """A count of replicas by hand."""
    begun = await everywhere.change(
        asker.fleet,
        service,
        lambda each: scale_service(
            each,
            service,
            replicas=body.replicas,
            for_seconds=body.for_seconds,
            by=asker.identity,
        ),
        cells=cells,
    )
    return started_view(begun)


@router.delete("", status_code=202)
async def delete(
    asker: Changer, service: Service, *, cells: Cells, volumes: bool = False
) -> StartedView:
    """Remove a service; its volumes stay unless told otherwise."""
    begun = await everywhere.change(
        asker.fleet,
        service,
        lambda each: delete_service(each, service, volumes=volumes, by=asker.identity),
        cells=cells,
    )
    return started_view(begun)
