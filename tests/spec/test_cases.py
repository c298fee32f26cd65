"""Every fault a person can write, and what they are told: `cases/*.yaml`, as data."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from skerry.errors import InvalidDocuments
from skerry.model.sources import Sources, SourceText
from skerry.spec.load import load

CASES = Path(__file__).parent / "cases"


def _cases() -> list[Any]:
    return [
        pytest.param(case, id=f"{file.stem}: {name}")
        for file in sorted(CASES.glob("*.yaml"))
        for name, case in yaml.safe_load(file.read_text()).items()
    ]


@pytest.mark.parametrize("case", _cases())
def test_a_faulty_repository_is_told_every_problem_where_it_is(case: dict[str, Any]) -> None:
    sources = Sources(
        name="shop",
        texts=tuple(SourceText(path=path, text=text) for path, text in case["files"].items()),
        contents=dict.fromkeys(case.get("contents", ()), b"content"),
    )
    with pytest.raises(InvalidDocuments) as caught:
        load(sources)
    assert [str(problem) for problem in caught.value.problems] == case["said"]
