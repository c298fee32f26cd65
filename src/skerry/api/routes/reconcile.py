"""Continuous mode: how it stands, and looking at everything now."""

from fastapi import APIRouter, Request

from skerry.api.bodies import EmptyBody
from skerry.api.routes.parts import CellChanger, CellViewer
from skerry.controllers.standing import Standing
from skerry.errors import Refused
from skerry.report.reconciling import ReconcileView, WokenView, reconcile_view

router = APIRouter(tags=["continuous mode"])


@router.get("/v1/reconcile")
async def reconcile(asker: CellViewer, request: Request) -> ReconcileView:
    """The repository followed, and each cell: the commit it is at, what is wrong, what drifted;
    and which server leads."""
    standing: Standing = request.app.state.standing
    state = standing.continuous.state if standing.continuous is not None else None
    return reconcile_view(
        standing.leadership.leader,
        repository=state.repository if state is not None else None,
        cells=state.cells if state is not None else (),
    )


@router.post("/v1/reconcile", status_code=202)
async def reconcile_now(asker: CellChanger, request: Request, body: EmptyBody) -> WokenView:
    """Look at the repository, and at every object of every cell, now."""
    standing: Standing = request.app.state.standing
    if standing.continuous is None:
        raise Refused(
            "follows no repository",
            subject="server",
            hint="set SKERRY_REPOSITORY, and start the server again: docs/continuous.md",
        )
    standing.continuous.ask()
    return {"woken": True}
