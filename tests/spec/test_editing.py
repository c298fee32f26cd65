"""A tenant written into a text, or out of it, by hand as it were."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.spec.editing import CannotEdit, add, drop, write
from skerry.spec.parse import parse

HEAD = """\
# what customers run
service: other
image: o:1
---
# the stack
stack: eu   # in Europe
template: {image: "app:{version}"}
"""
LISTED = (
    HEAD
    + """\
tenants:
  # the first one
  acme: {version: 5.3.0}   # pays most
  globex:
    scale: {min: 2}   # two

  # on trial
  initech: {}

# the end
values: {version: 1}
"""
)
WHEN = "2026-11-21T10:00:00Z"


def tenants(text: str) -> Any:
    """The tenants of the second document."""
    return parse(text.split("---\n")[1])["tenants"]


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """Lines that went, lines that came."""
    old, new = before.splitlines(), after.splitlines()
    return [each for each in old if each not in new], [each for each in new if each not in old]


def test_a_tenant_is_added_where_its_name_belongs_and_nothing_else_moves() -> None:
    made = add(LISTED, "eu", "hooli", written={"version": "6.0.0"})
    assert changed(LISTED, made) == ([], ["  hooli: {version: 6.0.0}"])
    assert list(tenants(made)) == ["acme", "globex", "hooli", "initech"]
    assert made.index("# on trial") > made.index("hooli")


def test_among_unsorted_tenants_it_is_the_last() -> None:
    text = HEAD + "tenants:\n  b: {}\n  a: {}\n"
    assert add(text, "eu", "aa", written={}) == text + "  aa: {}\n"


def test_it_is_spread_over_lines_where_the_last_one_is() -> None:
    text = HEAD + "tenants:\n    b:\n      version: 1.2.3\n"
    made = add(text, "eu", "c", written={"version": "5.10", "values": {"db": "yes"}})
    assert made == text + '    c:\n      version: "5.10"\n      values: {db: yes}\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "tenants:\n  a: {}\n"),
        ("tenants: {}\n", "tenants:\n  a: {}\n"),
        ("tenants:\n", "tenants:\n  a: {}\n"),
        ("tenants: {b: {}}  # all\n", "tenants: {b: {}, a: {}}  # all\n"),
    ],
)
def test_the_first_tenant_finds_a_place(before: str, after: str) -> None:
    assert add(HEAD + before, "eu", "a", written={}) == HEAD + after


@pytest.mark.parametrize(
    ("tenant", "line"),
    [
        ("acme", f"  acme: {{version: 5.3.0, removed: {WHEN}}}   # pays most"),
        ("globex", f"    removed: {WHEN}"),
        ("initech", f"  initech: {{removed: {WHEN}}}"),
    ],
)
def test_one_more_key_is_written_in_the_tenants_own_style(tenant: str, line: str) -> None:
    made = write(LISTED, "eu", tenant, key="removed", value=WHEN)
    assert changed(LISTED, made)[1] == [line]
    assert tenants(made)[tenant]["removed"] == WHEN


def test_a_dropped_tenant_leaves_the_comments_of_the_next() -> None:
    made = drop(LISTED, "eu", "globex")
    assert changed(LISTED, made) == (["  globex:", "    scale: {min: 2}   # two"], [])
    assert "# on trial" in made


def test_the_last_tenant_leaves_an_empty_map() -> None:
    assert drop(HEAD + "tenants:\n  a: {}\n", "eu", "a") == HEAD + "tenants: {}\n"


def test_line_ends_and_a_byte_order_mark_stay() -> None:
    text = "\ufeff" + LISTED.replace("\n", "\r\n")
    made = add(text, "eu", "zeta", written={})
    assert made.startswith("\ufeff") and made.count("\r\n") == text.count("\r\n") + 1
    assert made.replace("  zeta: {}\r\n", "") == text


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "tenants: {\n  a: {}\n}\n",
        HEAD + "tenants:\n  a: {version: 1,\n    scale: {min: 1}}\n",
        HEAD + "tenants: &t\n  a: {}\n",
        HEAD.replace("stack: eu", "stack: us"),
    ],
)
def test_what_is_not_edited_safely_is_left_alone(text: str) -> None:
    with pytest.raises(CannotEdit):
        write(text, "eu", "a", key="removed", value=WHEN)


NAMES = st.text("abcxyz0-", min_size=1, max_size=6).map(lambda each: f"t{each}z")
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=12)


@given(st.lists(NAMES, unique=True, min_size=1, max_size=6), NAMES, VALUES)
def test_whatever_is_added_is_read_again_and_dropped_again(
    names: list[str], tenant: str, value: str
) -> None:
    text = HEAD + "tenants:\n" + "".join(f"  {name}: {{}}\n" for name in names)
    if tenant in names:
        return
    made = add(text, "eu", tenant, written={"values": {"db": value}})
    assert tenants(made)[tenant] == {"values": {"db": value}}
    assert drop(made, "eu", tenant) == text
