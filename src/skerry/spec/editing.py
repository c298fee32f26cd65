"""One tenant written into a stack's text, or out of it: a few characters change, all else stays.

Comments, order and style are people's. So the text itself is edited, at the lines where the
tenants are (`blocks`), and then read again: unless exactly the one tenant is another, nothing
comes of it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from skerry.spec.blocks import Block, Section
from skerry.spec.chunks import Chunk, normalize, split
from skerry.spec.parse import Unreadable, parse

Lines = list[str]
Edit = Callable[[str], str]
_STACK: Final = re.compile(r"^[\"']?stack[\"']?[ \t]*:[ \t]*[\"']?([a-z0-9-]+)", re.MULTILINE)
_FLOW_ALL: Final = re.compile(r"^(tenants[ \t]*:[ \t]*)\{(.*)\}([ \t]*(?:#.*)?)$")
_FLOW: Final = re.compile(r"^([^{]*:[ \t]*)\{(.*)\}([ \t]*(?:#.*)?)$")
_NOTHING: Final = re.compile(r"^([^#]*:)[ \t]*(?:~|null)?([ \t]*(?:#.*)?)$")
_BARE: Final = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@-]*")
_STEP: Final = "  "


class CannotEdit(Exception):
    """The text is written in a way that is not edited safely: why."""


def document_of(text: str, stack: str) -> Chunk | None:
    """The first document of a text that is of this stack."""
    found = (chunk for chunk in split(normalize(text)) if stack_of(chunk) == stack)
    return next(found, None)


def stack_of(chunk: Chunk) -> str | None:
    """The stack a document is of, found without parsing it."""
    match = _STACK.search(chunk.text)
    return match[1] if match else None


def add(text: str, stack: str, tenant: str, *, written: Mapping[str, Any]) -> str:
    """With one tenant more: where its name belongs when they are sorted, else last. Raises
    CannotEdit."""

    def edit(section: Section) -> Lines:
        if section.blocks:
            return _inserted(section, tenant, written)
        return _first(section, tenant, written)

    return _edited(
        text, stack, edit=edit, expected=lambda tenants: {**tenants, tenant: dict(written)}
    )


def write(text: str, stack: str, tenant: str, *, key: str, value: str) -> str:
    """With one more key of a tenant. Raises CannotEdit."""

    def edit(section: Section) -> Lines:
        block = section.blocks.get(tenant)
        if block is None:
            raise CannotEdit("its tenants are not written one per line")
        return _extended(section, block, f"{key}: {value}")

    def expected(tenants: Mapping[str, Any]) -> dict[str, Any]:
        return {**tenants, tenant: {**(tenants[tenant] or {}), key: value}}

    return _edited(text, stack, edit=edit, expected=expected)


def drop(text: str, stack: str, tenant: str) -> str:
    """Without a tenant. Raises CannotEdit."""

    def edit(section: Section) -> Lines:
        block = section.blocks.get(tenant)
        if block is None or section.span is None:
            raise CannotEdit("its tenants are not written one per line")
        lines = [*section.lines[: block.start], *section.lines[_content_end(section, block) :]]
        if len(section.blocks) == 1:
            at = section.span[0]
            lines[at] = re.sub(r":", ": {}", lines[at], count=1)
        return lines

    def expected(tenants: Mapping[str, Any]) -> dict[str, Any]:
        return {name: each for name, each in tenants.items() if name != tenant}

    return _edited(text, stack, edit=edit, expected=expected)


def _edited(
    text: str,
    stack: str,
    *,
    edit: Callable[[Section], Lines],
    expected: Callable[[Mapping[str, Any]], dict[str, Any]],
) -> str:
    plain = normalize(text)
    chunk = document_of(text, stack)
    if chunk is None:
        raise CannotEdit(f"has no document of stack {stack}")
    lines = plain.split("\n")
    start = chunk.line - 1
    own = chunk.text.split("\n")
    offset = start if lines[start : start + len(own)] == own else _find(lines, own, start)
    changed = edit(Section(chunk.text))
    _verify(chunk.text, "\n".join(changed), expected)
    made = "\n".join([*lines[:offset], *changed, *lines[offset + len(own) :]])
    made = made.replace("\n", "\r\n") if "\r\n" in text else made
    return "\ufeff" + made if text.startswith("\ufeff") else made


def _find(lines: Sequence[str], own: Sequence[str], start: int) -> int:
    """Where a document's lines are, when its first shares a line with what is before it."""
    for at in range(start, len(lines) - len(own) + 1):
        if list(lines[at : at + len(own)]) == list(own):
            return at
    raise CannotEdit("its document starts in the middle of a line")


def _verify(
    before: str, after: str, expected: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> None:
    try:
        old, new = parse(before), parse(after)
    except Unreadable as error:
        raise CannotEdit(error.findings[0].message) from error
    wanted = {**old, "tenants": expected(old.get("tenants") or {})}
    names = [each for each in new.get("tenants") or {} if each in (old.get("tenants") or {})]
    kept = [each for each in old.get("tenants") or {} if each in wanted["tenants"]]
    if new != wanted or names != kept:
        raise CannotEdit("something else would change with it")


def _inserted(section: Section, tenant: str, written: Mapping[str, Any]) -> Lines:
    names = list(section.blocks)
    following = next((name for name in names if name > tenant), None)
    if following is not None and names == sorted(names):
        at = _above_comments(section, section.blocks[following])
    else:
        at = _content_end(section, section.blocks[names[-1]])
    model = section.blocks[names[-1]]
    indent = _indent(section.lines[model.start])
    spread = _content_end(section, model) - model.start > 1
    entry = _spread(indent, tenant, written) if spread and written else None
    lines = entry or [f"{indent}{tenant}: {_flow(written)}"]
    return [*section.lines[:at], *lines, *section.lines[at:]]


def _first(section: Section, tenant: str, written: Mapping[str, Any]) -> Lines:
    """The first one, or one more among those that are written on one line."""
    entry = f"{_STEP}{tenant}: {_flow(written)}"
    for at, line in enumerate(section.lines):
        match = _FLOW_ALL.match(line)
        if match and match[2].strip():
            inner = f"{match[2].rstrip().rstrip(',')}, {tenant}: {_flow(written)}"
            return [
                *section.lines[:at],
                f"{match[1]}{{{inner}}}{match[3]}",
                *section.lines[at + 1 :],
            ]
        if match or (section.span and at == section.span[0]):
            head = f"tenants:{match[3]}" if match else line
            return [*section.lines[:at], head, entry, *section.lines[at + 1 :]]
    end = len(section.lines)
    while end and not section.lines[end - 1].strip():
        end -= 1
    return [*section.lines[:end], "tenants:", entry, *(section.lines[end:] or [""])]


def _extended(section: Section, block: Block, addition: str) -> Lines:
    line = section.lines[block.start]
    end = _content_end(section, block)
    if (match := _FLOW.match(line)) and end - block.start == 1:
        inner = f"{match[2].strip().rstrip(',')}, {addition}" if match[2].strip() else addition
        changed = [f"{match[1]}{{{inner}}}{match[3]}"]
    elif end - block.start == 1 and (match := _NOTHING.match(line)):
        changed = [f"{match[1]} {{{addition}}}{match[2]}"]
    elif _NOTHING.match(line):
        below = (section.lines[at] for at in range(block.start + 1, end))
        child = next(each for each in below if each.strip() and not each.strip().startswith("#"))
        changed = [line, f"{_indent(child)}{addition}"]
    else:
        raise CannotEdit("the tenant is written over several lines in braces")
    return [*section.lines[: block.start], *changed, *section.lines[block.start + 1 :]]


def _content_end(section: Section, block: Block) -> int:
    """The line after a tenant's own last one: blank lines and comments below are not its."""
    end = block.end
    while end > block.start + 1 and section.lines[end - 1].strip()[:1] in ("", "#"):
        end -= 1
    return end


def _above_comments(section: Section, block: Block) -> int:
    at = block.start
    while section.lines[at - 1].strip().startswith("#"):
        at -= 1
    return at


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _spread(indent: str, tenant: str, written: Mapping[str, Any]) -> Lines:
    return [
        f"{indent}{tenant}:",
        *(f"{indent}{_STEP}{key}: {_flow(each)}" for key, each in written.items()),
    ]


def _flow(value: Any) -> str:
    """A value on one line, texts in quotes where YAML could take them for something else."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, bool | int):
        return str(value).lower()
    text = str(value)
    try:
        plain = _BARE.fullmatch(text) is not None and parse(text) == text
    except Unreadable:
        plain = False
    if plain or _is_plain_version(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _is_plain_version(text: str) -> bool:
    return re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+[A-Za-z0-9.+-]*", text) is not None
