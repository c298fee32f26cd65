"""Images built where the cell runs them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from typing_extensions import TypedDict

from skerry.api.events import Events, event, kept_alive
from skerry.api.failures import STREAMED
from skerry.api.routes.parts import CellChanger, Deployer
from skerry.errors import SkerryError
from skerry.model.process import BuildLine
from skerry.operations import images as building
from skerry.report.views import error_body

router = APIRouter(prefix="/v1", tags=["images"])
Image = Annotated[str, Query(min_length=1, max_length=512)]


class HereView(TypedDict):
    """Whether an image is on the machine."""

    here: bool


@router.get("/images")
async def images(asker: Deployer, image: Image) -> HereView:
    """Whether the image is already here."""
    return {"here": await building.has_image(asker.fleet.machine(), image)}


@router.post(
    "/builds",
    response_class=Events,
    responses=STREAMED,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/x-tar": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def builds(
    asker: CellChanger,
    request: Request,
    *,
    image: Image,
    containerfile: Annotated[str, Query(min_length=1, max_length=512)] = "Containerfile",
) -> Events:
    """Build from a tar stream. Events `line` ({"text"}), at last `done` ({"image"}) or
    `error` (ErrorBody)."""
    uploaded = asyncio.Event()
    context = _context(request, uploaded)
    lines = building.build_image(
        asker.fleet.machine(), context, image=image, containerfile=containerfile
    )
    return Events(kept_alive(_told(lines, image)), uploaded=uploaded)


async def _context(request: Request, uploaded: asyncio.Event) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        if chunk:
            yield chunk
    uploaded.set()


async def _told(lines: AsyncIterator[BuildLine], image: str) -> AsyncGenerator[bytes, None]:
    try:
        async for line in lines:
            yield event("line", {"text": line.text})
    except SkerryError as error:
        yield event("error", error_body(error))
        return
    yield event("done", {"image": image})
