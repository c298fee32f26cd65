"""Which cells a server or a command knows: remembered where each looks, opened when asked."""

from pathlib import Path
from typing import Any

import pytest

from skerry.errors import NotFound, Refused
from skerry.integrations.store.folder import open_folder
from skerry.model.cell import Cell, EngineKind
from skerry.model.repository import Repository
from skerry.wiring.direct import open_direct
from skerry.wiring.notebooks import FileNotebook, StoreNotebook
from skerry.wiring.server import open_memory
from tests.fakes.store import MemoryStore
from tests.operations.world import ADMIN

EU = Cell(cell="eu-1", engine=EngineKind.KUBERNETES, country="DE")


def meant(*cells: Cell) -> Repository:
    return Repository(name="shop", cells=cells)


async def test_a_cell_is_known_from_its_first_apply_on_and_after_a_restart(tmp_path: Path) -> None:
    state = open_folder(tmp_path / "state")
    async with open_memory(state) as fleet:
        assert [each.name for each in fleet.platforms()] == ["local"]
        (eu,) = fleet.meant(meant(EU), by=ADMIN)
        assert [each.name for each in fleet.platforms()] == ["local"]  # a plan makes nothing known
        await eu.cells.ready()
        assert [each.name for each in fleet.platforms()] == ["eu-1"]
        assert fleet.platform("eu-1") is eu
    async with open_memory(state) as fleet:
        assert [each.cells.cell for each in fleet.platforms()] == [EU]
        await fleet.forget("eu-1")
        assert [each.name for each in fleet.platforms()] == ["local"]
        with pytest.raises(NotFound):
            await fleet.forget("eu-1")


async def test_a_changed_document_is_another_way_to_the_cell_until_it_is_applied(
    tmp_path: Path,
) -> None:
    async with open_memory(open_folder(tmp_path / "state")) as fleet:
        (eu,) = fleet.meant(meant(EU), by=ADMIN)
        await eu.cells.ready()
        moved = EU.model_copy(update={"domain": "eu.acme.dev"})
        (other,) = fleet.meant(meant(moved), by=ADMIN)
        assert other is not eu
        assert other.planning is eu.planning  # plans of one cell wait for each other
        assert fleet.platform("eu-1").cells.cell == EU
        await other.cells.ready()
        assert fleet.platform("eu-1").cells.cell == moved


async def test_the_command_line_and_a_server_share_what_they_know(tmp_path: Path) -> None:
    document = EU.model_dump(mode="json", exclude_unset=True)
    store: Any = MemoryStore()
    await FileNotebook(tmp_path).write("eu-1", document)
    notebook = StoreNotebook(store, tmp_path)
    assert await notebook.read() == {"eu-1": document}
    await notebook.write("us-1", {**document, "cell": "us-1"})
    assert sorted(await FileNotebook(tmp_path).read()) == ["eu-1", "us-1"]
    await notebook.write("eu-1", None)
    assert list(await FileNotebook(tmp_path).read()) == ["us-1"]
    assert list(await notebook.read()) == ["us-1"]


async def test_without_a_server_the_machine_is_no_cell(tmp_path: Path) -> None:
    async with open_direct(tmp_path, {}) as fleet:
        assert fleet.platforms() == ()
        assert not fleet.lasting
        with pytest.raises(Refused, match="switched off"):
            fleet.machine()
    assert list(tmp_path.iterdir()) == []
