"""Looking at services: how they are, what was deployed, what they say."""

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from skerry.api.events import Events, event, kept_alive
from skerry.api.failures import STREAMED
from skerry.api.routes.parts import Segment, Service, Viewer
from skerry.errors import SkerryError
from skerry.model.process import LogLine, LogQuery
from skerry.operations.history import history as look_back
from skerry.operations.reach import logs as read_logs
from skerry.operations.status import one_status
from skerry.operations.status import status as look
from skerry.operations.volumes import volumes as find_volumes
from skerry.report.shapes import HistoryView, ServiceView, StatusView, VolumesView
from skerry.report.views import (
    error_body,
    history_view,
    log_line_view,
    service_view,
    status_view,
)

router = APIRouter(tags=["services"])


@router.get("/v1/status")
async def status(
    asker: Viewer, namespace: Segment | None = None, name: Segment | None = None
) -> StatusView:
    """Every service the token sees."""
    return status_view(
        await look(asker.platform, namespace=namespace, name=name, by=asker.identity)
    )


@router.get("/v1/services/{namespace}/{name}")
async def service(asker: Viewer, service: Service) -> ServiceView:
    """One service, and its replicas."""
    return service_view(await one_status(asker.platform, service, by=asker.identity), replicas=True)


@router.get("/v1/services/{namespace}/{name}/history")
async def history(asker: Viewer, service: Service) -> HistoryView:
    """Its releases, newest first."""
    found = await look_back(asker.platform, service)
    return history_view(str(service), found.releases, current=found.current)


@router.get("/v1/services/{namespace}/{name}/logs", response_class=Events, responses=STREAMED)
async def logs(
    asker: Viewer,
    service: Service,
    *,
    follow: bool = False,
    tail: Annotated[int | None, Query(ge=0, le=1_000_000)] = None,
    since: datetime | None = None,
    replica: Annotated[str | None, Query(max_length=200)] = None,
) -> Events:
    """Events `line` (LogLineView) and, unless followed, `end`."""
    if since is not None and since.tzinfo is None:
        since = since.astimezone()
    query = LogQuery(follow=follow, tail=tail, since=since, replica=replica)
    return Events(kept_alive(_lines(await read_logs(asker.platform, service, query))))


@router.get("/v1/volumes")
async def volumes(asker: Viewer) -> VolumesView:
    """Volumes on this machine, also those services left behind."""
    found = await find_volumes(asker.platform, by=asker.identity)
    return {
        "volumes": [
            {"name": each.name, "service": str(each.service), "repository": each.repository}
            for each in found
        ]
    }


async def _lines(lines: AsyncIterator[LogLine]) -> AsyncGenerator[bytes, None]:
    try:
        async for line in lines:
            yield event("line", log_line_view(line))
    except SkerryError as error:
        yield event("error", {"error": error_body(error)})
    yield event("end", {})
