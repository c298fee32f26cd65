"""Services as they are now, in every cell."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skerry.cli.cells import silent_cells
from skerry.cli.connection import Door
from skerry.cli.session import suggesting
from skerry.errors import NotFound

if TYPE_CHECKING:
    from skerry.report.shapes import StatusView


def look(door: Door, name: str | None, cells: Sequence[str] | None = None) -> "StatusView":
    """Every service, or one with its replicas. Raises NotFound, with the nearest name, for one
    that is in no cell, when all answered."""
    if name is None:
        every: StatusView = door.get("/v1/status", cell=cells)
        return every
    from skerry.model.keys import parse_service_key

    key = parse_service_key(name)
    found: StatusView = door.get(
        "/v1/status", cell=cells, namespace=key.namespace, name=key.name, replicas=True
    )
    here = [each for each in found["services"] if (each["namespace"], each["name"]) == key]
    found["services"] = here
    if not here and not silent_cells(found):
        with suggesting(door, name):
            raise NotFound("is not here", subject=name, hint="skerry status")
    return found
