"""Cells: where services run, how each is, and knowing one no more."""

from fastapi import APIRouter

from skerry.api.routes.parts import AdminChanger, Cells, CellViewer, Segment
from skerry.operations import everywhere
from skerry.operations.answers import cells_view
from skerry.report.shapes import CellsView

router = APIRouter(prefix="/v1/cells", tags=["cells"])


@router.get("")
async def cells(asker: CellViewer, cells: Cells) -> CellsView:
    """Every cell at a glance, also those that do not answer."""
    return cells_view(await everywhere.reports(asker.fleet, cells=cells))


@router.delete("/{cell}", status_code=204)
async def forget(asker: AdminChanger, cell: Segment) -> None:
    """Know a cell no more. Nothing in it changes; a document that declares it brings it back."""
    await asker.fleet.forget(cell)
