"""The server itself: alive, who it is, what it lacks, stopping it, its gateway."""

import os
from collections.abc import Callable

from fastapi import APIRouter, Request
from typing_extensions import TypedDict

from skerry.api.bodies import EmptyBody, StopBody
from skerry.api.release import VERSION
from skerry.api.routes.parts import AdminChanger, CellViewer, Viewer
from skerry.controllers.standing import Standing
from skerry.errors import Refused
from skerry.model.cell import EngineKind
from skerry.operations.delete import destroy
from skerry.operations.doctor import doctor as look
from skerry.operations.fleet import Fleet
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
    """The server and its cells; the machine's own engine and gateway."""
    known = [each.cells for each in asker.fleet.platforms()]
    here = next((each for each in known if each.cell.engine is EngineKind.LOCAL), None)
    proxy = here.gateway if here is not None else None
    gateway = proxy.status() if proxy is not None else None
    http, https = (gateway.http, gateway.https) if gateway is not None else (None, None)
    return {
        "version": VERSION,
        "cells": [each.cell.cell for each in known],
        "domain": here.cell.domain if here is not None else "",
        "engine": here.engine_name if here is not None else "none",
        "gateway": gateway.reason if gateway is not None else "none",
        "gateway_live": gateway is not None and gateway.live,
        "http": f"{http.host}:{http.port}" if http is not None else None,
        "https": f"{https.host}:{https.port}" if https is not None else None,
        "state": asker.fleet.state,
        "pid": os.getpid(),
    }


@router.get("/v1/doctor")
async def doctor(asker: CellViewer, request: Request) -> ChecksView:
    """Everything Skerry needs on the machine, looked at, and what continuous mode meets."""
    standing: Standing = request.app.state.standing
    found = await look(asker.fleet)
    if standing.continuous is not None:
        found += standing.continuous.checks()
    return {"checks": [check_view(each) for each in found]}


@router.get("/v1/authority")
async def authority(asker: Viewer) -> AuthorityView:
    """The gateway's own certificate authority."""
    return {"pem": _gateway(asker.fleet).authority()}


@router.post("/v1/gateway/upgrade")
async def upgrade_gateway(asker: AdminChanger, body: EmptyBody) -> GatewayView:
    """Replace the gateway's process; no connection is refused or cut."""
    gateway = _gateway(asker.fleet)
    await gateway.upgrade()
    return {"gateway": gateway.status().reason}


@router.post("/v1/stop", status_code=202)
async def stop(asker: AdminChanger, request: Request, body: StopBody) -> StoppingView:
    """Stop the server. Services and gateway go on, unless the gateway is to go too: that
    needs an empty cell."""
    if body.gateway:
        await destroy(asker.fleet)
    end: Callable[[], None] = request.app.state.stop
    end()
    return {"stopping": True}


def _gateway(fleet: Fleet) -> Gateway:
    here = fleet.machine()
    if here.cells.gateway is None:
        raise Refused("has no gateway", subject=f"cell/{here.name}")
    return here.cells.gateway
