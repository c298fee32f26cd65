"""What the pages show, the loader takes."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from skerry.model.sources import Sources, SourceText
from skerry.spec.load import load

PAGE = Path(__file__).parents[2] / "docs" / "kubernetes.md"
BLOCKS = re.findall(
    r"(?:^ {4,}(?:cell|service):.*\n)(?:^ {4,}.*\n)*", PAGE.read_text(), re.MULTILINE
)


def test_there_are_cells_and_services_among_them() -> None:
    assert {block.split(":")[0].strip() for block in BLOCKS} == {"cell", "service"}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0].strip())
def test_a_document_of_the_page_loads(block: str) -> None:
    load(Sources(name="shop", texts=(SourceText(path="shop.yaml", text=dedent(block)),)))
