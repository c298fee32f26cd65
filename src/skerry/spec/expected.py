"""What should stand at a place of a document, in words, read from the JSON Schema."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from pydantic import BaseModel

from skerry.model.document import FORMS
from skerry.spec.schema import model_schema

Node = Mapping[str, Any]
_SAID: Final = {form.pattern: form.said for form in FORMS}
_TYPES: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a map",
    "array": "a list such as [a, b]",
}
_FEW: Final = 5


@cache
def _schema(model: type[BaseModel]) -> Node:
    return model_schema(model)


def nodes_at(model: type[BaseModel], path: Sequence[str | int]) -> tuple[Node, ...]:
    """The schemas that apply at a path: several where alternatives are allowed, none where
    nothing may stand."""
    root = _schema(model)
    here = tuple(_alternatives(root, root))
    for step in path:
        below = (found for node in here for found in _below(node, step))
        here = tuple(each for node in below for each in _alternatives(node, root))
    return here


def known_keys(model: type[BaseModel], path: Sequence[str | int]) -> tuple[str, ...]:
    """The keys a map at this path may have; empty where it may have any."""
    return tuple(key for node in nodes_at(model, path) for key in node.get("properties", {}))


def say_expected(model: type[BaseModel], path: Sequence[str | int]) -> str:
    """`a number from 1 to 65535, or none`."""
    said = dict.fromkeys(_say(node) for node in nodes_at(model, path))
    said.pop("", None)
    return ", or ".join(said) or "left out"


def say_expected_key(model: type[BaseModel], path: Sequence[str | int]) -> str:
    """What a key of the map at this path should be."""
    names = (node.get("propertyNames", {}) for node in nodes_at(model, path))
    return next((_say({"type": "string", **node}) for node in names if node), "text")


def _say(node: Node) -> str:
    if node.get("type") == "null":
        return ""
    if "const" in node:
        return str(node["const"])
    if "enum" in node:
        return _or([str(each) for each in node["enum"]])
    if "pattern" in node and node["pattern"] in _SAID:
        return _SAID[node["pattern"]]
    if "minimum" in node and "maximum" in node:
        return f"a number from {node['minimum']} to {node['maximum']}"
    if node.get("properties"):
        return f"a map of {_or(list(node['properties']))}"
    if isinstance(node.get("type"), list):
        return "text"
    return _TYPES.get(node.get("type", ""), "")


def _or(words: list[str]) -> str:
    shown = words if len(words) <= _FEW else [*words[:_FEW], "..."]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def _alternatives(node: Node, root: Node) -> Iterator[Node]:
    if "$ref" in node:
        yield from _alternatives(root["$defs"][node["$ref"].rsplit("/", 1)[-1]], root)
    elif "anyOf" in node and "examples" not in node:
        for each in node["anyOf"]:
            yield from _alternatives(each, root)
    else:
        yield node


def _below(node: Node, step: str | int) -> Iterator[Node]:
    if isinstance(step, int) and isinstance(node.get("items"), Mapping):
        yield node["items"]
    elif step in node.get("properties", {}):
        yield node["properties"][step]
    elif isinstance(step, str) and isinstance(node.get("additionalProperties"), Mapping):
        yield node["additionalProperties"]
