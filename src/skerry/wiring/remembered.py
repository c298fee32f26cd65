"""The cell a server remembers: what the first documents said, else what the settings say."""

from pathlib import Path
from typing import TYPE_CHECKING

from skerry.model.cell import Cell

if TYPE_CHECKING:
    from skerry.settings import Settings


def remembered(settings: "Settings") -> Cell:
    """What the first documents said; where they say no port, what the settings say now."""
    path = _file(settings)
    if not path.exists():
        return settle(settings, Cell())
    return settle(settings, Cell.model_validate_json(path.read_bytes()))


def is_remembered(settings: "Settings") -> bool:
    """Whether documents ever said what this machine's cell is."""
    return _file(settings).exists()


def remember(settings: "Settings", cell: Cell) -> None:
    """Be this cell also after a restart: as far as its document says it."""
    from skerry.integrations.store.once import replace_whole

    replace_whole(_file(settings), cell.model_dump_json(exclude_unset=True).encode())


def settle(settings: "Settings", cell: Cell) -> Cell:
    """The document, with the operator's ports where it says none; they stay unsaid by it."""
    said = {"http": settings.http_port, "https": settings.https_port}
    free = {
        name: port
        for name, port in said.items()
        if port is not None and name not in cell.model_fields_set
    }
    settled = cell.model_copy(update=free)
    return Cell.model_construct(cell.model_fields_set, **dict(settled))


def overruled(settings: "Settings", cell: Cell) -> tuple[str, ...]:
    """A sentence for each port that a setting asks for and the cell's document says another."""
    asked = {"http": settings.http_port, "https": settings.https_port}
    return tuple(
        f"SKERRY_{name.upper()}_PORT={port} is not used: "
        f"the cell document says `{name}: {getattr(cell, name)}`"
        for name, port in asked.items()
        if port not in (None, getattr(cell, name))
    )


def _file(settings: "Settings") -> Path:
    return settings.state / "cell.json"
