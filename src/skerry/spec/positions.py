"""Where in a document's text something is written. Slow: only for documents with a fault."""

from collections.abc import Iterator, Sequence
from typing import Any

import yaml

Path = tuple[str | int, ...]


class _Loader(yaml.CSafeLoader):
    """Nodes only; what a scalar means is not asked."""


def compose(text: str) -> yaml.Node | None:
    """The document's nodes, with marks. Raises yaml.YAMLError."""
    return yaml.compose(text, Loader=_Loader)  # type: ignore[no-any-return,unused-ignore]


class Positions:
    """The lines of a document, by path. Lines count from the start of the file."""

    def __init__(self, text: str, *, first_line: int) -> None:
        self._first = first_line
        try:
            self._root = compose(text)
        except (yaml.YAMLError, UnicodeError, RecursionError):
            self._root = None

    def line(self, path: Sequence[str | int]) -> int:
        """The line of what is at the path; of its nearest parent when nothing is."""
        line, node = self._first, self._root
        if node is not None:
            line = self._line_of(node)
        for step in path:
            marker, node = _step(node, step)
            if marker is None:
                break
            line = self._line_of(marker)
        return line

    def _line_of(self, node: yaml.Node) -> int:
        return self._first + int(node.start_mark.line)


def duplicates(root: yaml.Node | None) -> Iterator[tuple[str, int, int]]:
    """Every key written twice in one map: the key, its line, and the line it was first on."""
    for node in _maps(root):
        first: dict[str, yaml.Node] = {}
        for key, _ in node.value:
            before = first.setdefault(key.value, key) if _is_scalar(key) else key
            if before is not key:
                yield key.value, key.start_mark.line + 1, before.start_mark.line + 1


def odd_key(root: yaml.Node | None) -> int | None:
    """The line of a key that is no plain value, if there is one."""
    odd = (key for node in _maps(root) for key, _ in node.value if not _is_scalar(key))
    return next((int(key.start_mark.line) + 1 for key in odd), None)


def _maps(root: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    waiting: list[yaml.Node | None] = [root]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield node
            waiting += [each for pair in node.value for each in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _is_scalar(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode)


def _step(node: Any, step: str | int) -> tuple[Any, Any]:
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):
            if _is_scalar(key) and key.value == str(step):
                return key, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None, None
