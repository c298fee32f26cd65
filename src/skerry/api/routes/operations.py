"""Operations: what is being done, what it says, how it ended."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query

from skerry.api.access import Asker
from skerry.api.events import QUIET, Events, event
from skerry.api.failures import STREAMED
from skerry.api.routes.parts import Viewer
from skerry.errors import SkerryError
from skerry.model.progress import Operation, Progress
from skerry.operations import listing
from skerry.report.shapes import OperationsView, OperationView
from skerry.report.views import error_body, operation_view, progress_view

router = APIRouter(prefix="/v1/operations", tags=["operations"])
Id = Annotated[str, Path(max_length=100, pattern=r"^[A-Za-z0-9-]+$")]


@router.get("")
async def operations(
    asker: Viewer, limit: Annotated[int, Query(ge=1, le=1000)] = 50
) -> OperationsView:
    """Newest first."""
    found = await listing.operations(asker.fleet, limit=limit, by=asker.identity)
    return {"operations": [operation_view(each) for each in found]}


@router.get("/{id}")
async def operation(asker: Viewer, id: Id) -> OperationView:
    """One operation."""
    return operation_view(await listing.operation(asker.fleet, id, by=asker.identity))


@router.get("/{id}/events", response_class=Events, responses=STREAMED)
async def events(
    asker: Viewer,
    id: Id,
    last_event_id: Annotated[str, Header(max_length=20, pattern=r"^[0-9]*$")] = "",
) -> Events:
    """Events `progress` (ProgressView) as they are said, at last `end`: the operation, and
    why it failed. Goes on after `Last-Event-ID`."""
    await listing.operation(asker.fleet, id, by=asker.identity)
    return Events(_told(asker, id, after=int(last_event_id or 0)))


async def _told(asker: Asker, id: str, *, after: int) -> AsyncIterator[bytes]:
    last: Progress | None = None
    try:
        async for each in asker.fleet.running.follow(id, after=after):
            if each is None:
                yield QUIET
            elif isinstance(each, Progress):
                last = each
                yield event("progress", progress_view(each), id=str(each.number))
            else:
                yield event("end", await _end(asker, each, last))
    except SkerryError as error:  # the client comes back for the rest
        yield event("error", {"error": error_body(error)})


async def _end(asker: Asker, operation: Operation, last: Progress | None) -> object:
    if last is None:
        last = next(iter((await asker.fleet.ledger.said(operation.id))[-1:]), None)
    why = listing.failure(operation, last)
    body = None if why is None else error_body(why)
    return {"operation": operation_view(operation), "failure": body}
