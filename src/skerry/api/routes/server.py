"""The server itself: alive, who it is, what it lacks, stopping it, its gateway."""

import os
from collections.abc import Callable

from fastapi import APIRouter, Request
from typing_extensions import TypedDict

from skerry.api.bodies import EmptyBody, StopBody
from skerry.api.release import VERSION
from skerry.api.routes.parts import AdminChanger, CellViewer, Viewer
from skerry.errors import Conflict, Refused
from skerry.operations.doctor import doctor as look
from skerry.operations.platform import Platform
from skerry.ports import Gateway
from skerry.report.shapes import ChecksView, InfoView
from skerry.report.views import check_view

router = APIRouter(tags=["server"])


class AliveView(TypedDict):
    """That it answers, and its version."""

    ok: bool
    version: str


class AuthorityView(TypedDict):
    """The certificate that signs the gateway's names."""

    pem: str


class GatewayView(TypedDict):
    """How the gateway is, in a sentence."""

    gateway: str


class StoppingView(TypedDict):
    """That it is about to stop."""

    stopping: bool


@router.get("/healthz")
async def healthz() -> AliveView:
    """Whether the server answers. Needs no token."""
    return {"ok": True, "version": VERSION}


@router.get("/v1/info")
async def info(asker: Viewer) -> InfoView:
    """The server, its cell, its engine and its gateway."""
    platform = asker.platform
    cell = platform.engine.cell
    gateway = platform.cells.gateway.status() if platform.cells.gateway is not None else None
    http, https = (gateway.http, gateway.https) if gateway is not None else (None, None)
    return {
        "version": VERSION,
        "cell": cell.cell,
        "domain": cell.domain,
        "engine": platform.cells.engine_name,
        "gateway": gateway.reason if gateway is not None else "none",
        "gateway_live": gateway is not None and gateway.live,
        "http": f"{http.host}:{http.port}" if http is not None else None,
        "https": f"{https.host}:{https.port}" if https is not None else None,
        "state": platform.state,
        "pid": os.getpid(),
    }


@router.get("/v1/doctor")
async def doctor(asker: CellViewer) -> ChecksView:
    """Everything Skerry needs on the machine, looked at."""
    return {"checks": [check_view(each) for each in await look(asker.platform)]}


@router.get("/v1/authority")
async def authority(asker: Viewer) -> AuthorityView:
    """The gateway's own certificate authority."""
    return {"pem": _gateway(asker.platform).authority()}


@router.post("/v1/gateway/upgrade")
async def upgrade_gateway(asker: AdminChanger, body: EmptyBody) -> GatewayView:
    """Replace the gateway's process; no connection is refused or cut."""
    gateway = _gateway(asker.platform)
    await gateway.upgrade()
    return {"gateway": gateway.status().reason}


@router.post("/v1/stop", status_code=202)
async def stop(asker: AdminChanger, request: Request, body: StopBody) -> StoppingView:
    """Stop the server. Services and gateway go on, unless the gateway is to go too: that
    needs an empty cell."""
    if body.gateway:
        if await asker.platform.engine.index():
            raise Conflict("services still run", subject="gateway", hint="skerry down")
        await asker.platform.cells.destroy()
    end: Callable[[], None] = request.app.state.stop
    end()
    return {"stopping": True}


def _gateway(platform: Platform) -> Gateway:
    if platform.cells.gateway is None:
        raise Refused("has no gateway", subject=f"cell/{platform.engine.cell.cell}")
    return platform.cells.gateway
