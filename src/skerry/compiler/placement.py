"""Which services a cell runs, and why it does not run the others."""

from skerry.errors import Problem
from skerry.model.cell import Cell
from skerry.model.repository import DeclaredService
from skerry.model.service import Service


def absence(service: Service, cell: Cell) -> str | None:
    """Why the service does not run in this cell, or None when it does. A cell that does not
    say its country is in none of those a residency names."""
    if service.cells and cell.cell not in service.cells:
        return f"runs in {', '.join(service.cells)}, not in {cell.cell}"
    if service.residency and cell.country not in service.residency:
        where = f"is in {cell.country}" if cell.country else "does not say its country"
        return f"may run in {', '.join(service.residency)} only; cell {cell.cell} {where}"
    return None


def misplaced(declared: DeclaredService, cell: Cell) -> Problem | None:
    """A document that names this cell and forbids it in one breath."""
    service = declared.service
    if cell.cell not in service.cells:
        return None
    reason = absence(service, cell)
    if reason is None:
        return None
    return Problem(
        file=declared.file,
        line=declared.line,
        path=f"{service.service}/cells",
        message=f"names {cell.cell}, but the service {reason}",
        hint="remove the cell, or add its country to residency",
    )
