"""docs/reference is what the code says: every command, document key, setting."""

import pytest

from skerry.cli.catalogue import CATALOGUE
from tools.reference import FOLDER, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_current(name: str) -> None:
    file = FOLDER / name
    assert file.exists()
    assert file.read_text() == PAGES[name](), "write it: python -m tools.reference"


def test_every_command_and_example_is_in_the_reference() -> None:
    page = (FOLDER / "commands.md").read_text()
    for entry in CATALOGUE:
        assert f"## skerry {entry.name}\n" in page
        assert all(example in page for example in entry.examples)
