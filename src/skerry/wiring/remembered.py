"""The cell a server remembers: what the first documents said, else what the settings say."""

from pathlib import Path
from typing import TYPE_CHECKING

from skerry.model.cell import Cell

if TYPE_CHECKING:
    from skerry.settings import Settings


def remembered(settings: "Settings") -> Cell:
    """What the first documents said, else what the settings say."""
    path = _file(settings)
    if not path.exists():
        return settle(settings, Cell())
    return Cell.model_validate_json(path.read_bytes())


def remember(settings: "Settings", cell: Cell) -> None:
    """Be this cell also after a restart."""
    from skerry.integrations.store.once import replace_whole

    replace_whole(_file(settings), cell.model_dump_json().encode())


def settle(settings: "Settings", cell: Cell) -> Cell:
    """The document, with the operator's ports where it says none."""
    said = {"http": settings.http_port, "https": settings.https_port}
    free = {
        name: port
        for name, port in said.items()
        if port is not None and name not in cell.model_fields_set
    }
    return cell.model_copy(update=free)


def _file(settings: "Settings") -> Path:
    return settings.state / "cell.json"
