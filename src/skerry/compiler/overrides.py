"""What one cell has otherwise than the rest: a service as that cell runs it."""

from collections.abc import Mapping
from typing import Any

from skerry.model.cell import Cell
from skerry.model.objects import digest_of
from skerry.model.repository import DeclaredService
from skerry.model.service import Service


def effective(declared: DeclaredService, cell: Cell) -> DeclaredService:
    """The service with the cell's own overrides, where its document has some for it. Spec has
    checked that they make a service."""
    cells = declared.service.cells
    if not isinstance(cells, Mapping):
        return declared
    override = cells.get(cell.cell)
    if override is None:
        return declared
    written = override.model_dump(mode="json", exclude_unset=True)
    if not written:
        return declared
    service = overridden(declared.service, written)
    return DeclaredService(
        service=service,
        file=declared.file,
        folder=declared.folder,
        digest=digest_of([declared.digest, written]),
        line=declared.line,
    )


def overridden(service: Service, override: Mapping[str, Any]) -> Service:
    """The service with maps merged and everything else replaced."""
    document = service.model_dump(mode="json", exclude_unset=True)
    for key, written in override.items():
        below = document.get(key)
        merged = isinstance(written, Mapping) and isinstance(below, Mapping)
        document[key] = {**below, **written} if merged else written  # type: ignore[dict-item]
    return Service.model_validate(document)
