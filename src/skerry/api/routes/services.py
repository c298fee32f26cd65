"""Looking at services: how they are, what was deployed, what they say."""

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from skerry.api.events import Events, event, kept_alive
from skerry.api.failures import STREAMED
from skerry.api.routes.parts import Cells, Segment, Service, Viewer
from skerry.errors import SkerryError
from skerry.model.process import LogQuery
from skerry.operations import everywhere
from skerry.operations.answers import failure_view, history_view, status_view, volumes_view
from skerry.operations.sayings import Saying, logs_everywhere
from skerry.operations.status import one_status
from skerry.report.shapes import HistoryView, ServiceView, StatusView, VolumesView
from skerry.report.views import error_body, log_line_view, service_view

router = APIRouter(tags=["services"])


@router.get("/v1/status")
async def status(
    asker: Viewer,
    *,
    cells: Cells,
    namespace: Segment | None = None,
    name: Segment | None = None,
    replicas: bool = False,
) -> StatusView:
    """Every service the token sees, in every cell; with its replicas where they are asked for."""
    found = await everywhere.status(
        asker.fleet, cells=cells, namespace=namespace, name=name, by=asker.identity
    )
    return status_view(found, replicas=replicas)


@router.get("/v1/services/{namespace}/{name}")
async def service(asker: Viewer, service: Service, cells: Cells) -> ServiceView:
    """One service, and its replicas, in the one cell it is in."""
    platform = await everywhere.home(asker.fleet, service, cells=cells)
    state = await one_status(platform, service, by=asker.identity)
    return service_view(state, cell=platform.name, replicas=True)


@router.get("/v1/services/{namespace}/{name}/history")
async def history(asker: Viewer, service: Service, cells: Cells) -> HistoryView:
    """Its releases, cell by cell, newest first."""
    found = await everywhere.history(asker.fleet, service, cells=cells)
    return history_view(str(service), found)


@router.get("/v1/services/{namespace}/{name}/logs", response_class=Events, responses=STREAMED)
async def logs(
    asker: Viewer,
    service: Service,
    *,
    cells: Cells,
    follow: bool = False,
    tail: Annotated[int | None, Query(ge=0, le=1_000_000)] = None,
    since: datetime | None = None,
    replica: Annotated[str | None, Query(max_length=200)] = None,
) -> Events:
    """Events `line` (LogLineView) and, unless followed, `end`. `failed` (CellFailureView) says
    that a cell does not answer: the others go on."""
    if since is not None and since.tzinfo is None:
        since = since.astimezone()
    query = LogQuery(follow=follow, tail=tail, since=since, replica=replica)
    said = await logs_everywhere(asker.fleet, service, query, cells=cells)
    return Events(kept_alive(_lines(said)))


@router.get("/v1/volumes")
async def volumes(asker: Viewer, cells: Cells) -> VolumesView:
    """Volumes of every cell that answers, also those services left behind."""
    return volumes_view(await everywhere.volumes(asker.fleet, cells=cells, by=asker.identity))


async def _lines(said: AsyncIterator[Saying]) -> AsyncGenerator[bytes, None]:
    try:
        async for each in said:
            if each.line is not None:
                yield event("line", log_line_view(each.line, cell=each.cell))
            elif each.error is not None:
                yield event("failed", failure_view(each.cell, each.error))
    except SkerryError as error:
        yield event("error", {"error": error_body(error)})
    yield event("end", {})
