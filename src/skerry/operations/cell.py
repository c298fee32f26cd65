"""What a cell is, as a repository says it.

The first documents applied to a machine on which nothing runs yet may say what its cell is:
name, domain, ports. Later the cell stays: names and certificates hang on it. A cluster is
what its document says.
"""

from skerry.errors import Conflict, Refused
from skerry.model.cell import Cell, EngineKind
from skerry.model.repository import Repository
from skerry.operations.platform import Platform


async def declared_cell(platform: Platform, repository: Repository) -> Cell:
    """The cell to plan for: as it is, or as this repository declares it.

    For the machine itself raises Refused when several documents could mean it, and Conflict
    when services run here and the document says something else.
    """
    here = platform.engine.cell
    if here.engine is EngineKind.KUBERNETES:
        return next((each for each in repository.cells if each.cell == here.cell), here)
    local = (each for each in repository.cells if each.engine is EngineKind.LOCAL)
    declared = [platform.cells.settle(cell) for cell in local]
    found = next((cell for cell in declared if cell.cell == here.cell), None)
    if found is None:
        if not declared:
            return here
        if len(declared) > 1:
            raise Refused(
                f"is one cell, and none of {', '.join(cell.cell for cell in declared)} is it",
                subject=f"cell/{here.cell}",
                hint=f"declare `cell: {here.cell}`, or start a server for each cell",
            )
        found = declared[0]
    if found == here or not await platform.engine.index():
        return found
    raise Conflict(
        f"services run here already, so it cannot become {_differences(here, found)}",
        subject=f"cell/{here.cell}",
        hint="run skerry down first, or put the document back as it was",
    )


def _differences(here: Cell, there: Cell) -> str:
    before, after = here.model_dump(), there.model_dump()
    changed = [name for name in after if after[name] != before[name]]
    return ", ".join(f"{name} {after[name]} (is {before[name]})" for name in changed)
