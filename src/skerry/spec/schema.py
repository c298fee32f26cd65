"""The JSON Schema of documents, made from the models: for editors, and for our own messages."""

from enum import Enum
from functools import cache
from typing import Any, Final, get_args

from pydantic import BaseModel

from skerry.model.cell import Cell
from skerry.model.repository import Settings
from skerry.model.service import Service
from skerry.model.stack import Stack

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_MODELS: Final[tuple[tuple[str, type[BaseModel]], ...]] = (
    ("service", Service),
    ("stack", Stack),
    ("cell", Cell),
    ("settings", Settings),
)


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of one document: a service, a stack, a cell, or skerry.yaml's settings.

    Everything the loader accepts, it accepts. It cannot know what holds between documents,
    between fields, and how large an amount is; the loader says that. A service may lack its
    image here, for the defaults may bring it.
    """
    kinds: list[dict[str, Any]] = []
    definitions: dict[str, Any] = {}
    for name, model in _MODELS:
        schema = model_schema(model)
        definitions.update(schema.pop("$defs", {}))
        definitions[name] = schema
        kinds.append({"$ref": f"#/$defs/{name}"})
    definitions["settings"]["properties"]["defaults"] = _defaults(definitions["service"])
    return {
        "$schema": DIALECT,
        "title": "Skerry document",
        "description": "One document of a Skerry repository.",
        "oneOf": kinds,
        "$defs": definitions,
    }


@cache
def _generated(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(ref_template="#/$defs/{model}")


def model_schema(model: type[BaseModel]) -> dict[str, Any]:
    """A model's schema, its defaults as they would be written in a document."""
    schema: dict[str, Any] = _copy(_generated(model))
    _name_keys(schema)
    for each in _models_of(model):
        here = schema if each is model else schema["$defs"][each.__name__]
        _write_defaults(here, each)
    if model is Cell:
        schema["required"] = ["cell"]
    return schema


def _name_keys(node: Any) -> None:
    """Where keys have a form, no other keys: `patternProperties` alone would let them pass."""
    for each in node.values() if isinstance(node, dict) else node:
        if isinstance(each, (dict, list)):
            _name_keys(each)
    if isinstance(node, dict) and len(found := node.get("patternProperties") or {}) == 1:
        del node["patternProperties"]
        ((pattern, below),) = found.items()
        node["propertyNames"] = {"pattern": pattern, **node.get("propertyNames", {})}
        node["additionalProperties"] = below


def _write_defaults(schema: dict[str, Any], model: type[BaseModel]) -> None:
    written = model.model_construct().model_dump(mode="json", warnings=False, exclude_none=True)
    for name, node in schema.get("properties", {}).items():
        node.pop("title", None)
        if "default" in node:
            del node["default"]
            if written.get(name) not in (None, {}, []):
                node["default"] = written[name]


def _models_of(model: type[BaseModel]) -> set[type[BaseModel]]:
    found = {model}
    waiting: list[Any] = [field.annotation for field in model.model_fields.values()]
    while waiting:
        annotation = waiting.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found |= _models_of(annotation)
        elif not (isinstance(annotation, type) and issubclass(annotation, Enum)):
            waiting += get_args(annotation)
    return found


def _defaults(service: dict[str, Any]) -> dict[str, Any]:
    """Fields of a service, none of them required, without its name."""
    fields = {name: node for name, node in service["properties"].items() if name != "service"}
    return {
        "type": "object",
        "description": Settings.model_fields["defaults"].description,
        "properties": fields,
        "additionalProperties": False,
    }


def _copy(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _copy(value) for key, value in node.items()}
    return [_copy(each) for each in node] if isinstance(node, list) else node
