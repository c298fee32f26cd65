"""Changes to one service. Each begins an operation and answers at once."""

from fastapi import APIRouter

from skerry.api.bodies import DeployBody, EmptyBody, RollbackBody, ScaleBody
from skerry.api.routes.parts import Changer, Service
from skerry.operations.delete import delete as delete_service
from skerry.operations.image import deploy_image
from skerry.operations.restart import restart as restart_service
from skerry.operations.rollback import rollback as roll_back
from skerry.operations.scale import scale as scale_service
from skerry.operations.unhold import unhold as unhold_service
from skerry.report.shapes import OperationView
from skerry.report.views import operation_view

router = APIRouter(prefix="/v1/services/{namespace}/{name}", tags=["changes"])


@router.post("/deploy", status_code=202)
async def deploy(asker: Changer, service: Service, body: DeployBody) -> OperationView:
    """Another image for what runs; the service is held there."""
    return operation_view(
        await deploy_image(asker.platform, service, body.image, by=asker.identity)
    )


@router.post("/rollback", status_code=202)
async def rollback(asker: Changer, service: Service, body: RollbackBody) -> OperationView:
    """The release before, or an older one; the service is held there."""
    return operation_view(await roll_back(asker.platform, service, to=body.to, by=asker.identity))


@router.post("/unhold", status_code=202)
async def unhold(asker: Changer, service: Service, body: EmptyBody) -> OperationView:
    """Give a held service back to its document."""
    return operation_view(await unhold_service(asker.platform, service, by=asker.identity))


@router.post("/restart", status_code=202)
async def restart(asker: Changer, service: Service, body: EmptyBody) -> OperationView:
    """Roll every replica without a new release."""
    return operation_view(await restart_service(asker.platform, service, by=asker.identity))


@router.post("/scale", status_code=202)
async def scale(asker: Changer, service: Service, body: ScaleBody) -> OperationView:
    """A count of replicas by hand."""
    return operation_view(
        await scale_service(
            asker.platform,
            service,
            replicas=body.replicas,
            for_seconds=body.for_seconds,
            by=asker.identity,
        )
    )


@router.delete("", status_code=202)
async def delete(asker: Changer, service: Service, volumes: bool = False) -> OperationView:
    """Remove a service; its volumes stay unless told otherwise."""
    return operation_view(
        await delete_service(asker.platform, service, volumes=volumes, by=asker.identity)
    )
