"""Cells: where services run, how each is, and knowing one no more."""

from fastapi import APIRouter

from skerry.api.routes.parts import AdminChanger, CellDeployer, Cells, CellViewer, Segment
from skerry.operations import everywhere
from skerry.operations.answers import cells_view, findings_view
from skerry.operations.verify import verify as compare
from skerry.report.shapes import CellsView, FindingsView

router = APIRouter(tags=["cells"])


@router.get("/v1/cells")
async def cells(asker: CellViewer, cells: Cells) -> CellsView:
    """Every cell at a glance, also those that do not answer."""
    return cells_view(await everywhere.reports(asker.fleet, cells=cells))


@router.delete("/v1/cells/{cell}", status_code=204)
async def forget(asker: AdminChanger, cell: Segment) -> None:
    """Know a cell no more. Nothing in it changes; a document that declares it brings it back."""
    await asker.fleet.forget(cell)


@router.get("/v1/verify")
async def verify(asker: CellDeployer, cells: Cells) -> FindingsView:
    """Every object Skerry owns, compared with what was applied. Repairs nothing but the index;
    the next apply repairs the rest."""
    return findings_view(await compare(asker.fleet, cells=cells))
