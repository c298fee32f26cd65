"""Tables: columns as wide as they must be."""

from collections.abc import Iterable

from skerry.report.lines import Line, Piece
from skerry.report.tables import table


def text(lines: Iterable[Line]) -> list[str]:
    return ["".join(piece.text for piece in line) for line in lines]


def test_columns_are_aligned_and_the_last_is_not_padded() -> None:
    rows = [["web", Piece("running", "good"), "a"], ["payments", "down", "bb"]]
    assert text(table(["NAME", "STATE", "X"], rows)) == [
        "NAME      STATE    X",
        "web       running  a",
        "payments  down     bb",
    ]


def test_a_table_without_rows_is_its_head() -> None:
    assert text(table(["NAME", "X"], [])) == ["NAME  X"]


def test_styles_stay_on_their_cells() -> None:
    (_, row) = table(["A", "B"], [[Piece("x", "bad"), "y"]])
    assert row[0].style == "bad"
