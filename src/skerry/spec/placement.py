"""Where residency lets something run: checked for every cell a document names."""

from collections.abc import Iterator, Mapping, Sequence

from skerry.model.cell import Cell
from skerry.spec.entries import Located
from skerry.spec.messages import Complaint


def outside(cell: Cell, residency: Sequence[str]) -> str | None:
    """What forbids the cell, or None. A cell that does not say its country is in none of those
    a residency names."""
    if not residency or cell.country in residency:
        return None
    where = f"is in {cell.country}" if cell.country else "does not say its country"
    return f"{cell.cell} {where}, and residency allows {', '.join(residency)} only"


def check_residency(located: Located, cells: Mapping[str, Cell]) -> Iterator[Complaint]:
    """A service that names a cell its residency forbids."""
    service = located.service
    named = isinstance(service.cells, Mapping)
    for position, written in enumerate(service.cells):
        if written in cells and (said := outside(cells[written], service.residency)) is not None:
            step = written if named else position
            yield Complaint(("cells", step), said, "remove the cell, or add its country")
