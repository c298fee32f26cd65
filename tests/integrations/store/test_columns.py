"""What goes into a column comes out of it."""

import math
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.integrations.store.columns import dump, load

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=20,
)


@given(TREES)
def test_json_comes_back_as_it_was(tree: object) -> None:
    assert load(dump(tree)) == tree


@given(st.text())
def test_text_of_any_kind_can_be_written(text: str) -> None:
    assert isinstance(load(dump([text]))[0], str)


def test_mappings_become_objects_and_tuples_arrays() -> None:
    assert load(dump(MappingProxyType({"a": (1, 2)}))) == {"a": [1, 2]}


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError, match="set is no JSON"):
        dump({"a": {1}})


def test_no_number_is_null() -> None:
    assert load(dump(math.nan)) is None
