"""A template and what a tenant has otherwise -> the tenant's document. Plain values only."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from skerry.model.stack import VERSION

OVER: Final = ("scale", "env", "resources")
"""Parts of a tenant that are merged over its template's."""
FIXED: Final = frozenset({"files", "build", "depends"})
"""Parts of a template that are the same for every tenant: what they point to is read once."""
_PLACEHOLDER: Final = re.compile(r"\{\{([A-Za-z0-9_-]+)\}\}|\{([A-Za-z0-9_-]+)\}")


def stamp_out(
    template: Mapping[str, Any], tenant: Mapping[str, Any], values: Mapping[str, str]
) -> dict[str, Any]:
    """The tenant's document, without what says whose it is. What `values` does not know stays
    as it is written."""
    document = dict(template)
    for part in OVER:
        if written := tenant.get(part):
            document[part] = merge_over(template.get(part), written)
    return {key: value if key in FIXED else fill(value, values) for key, value in document.items()}


def merge_over(below: Any, above: Mapping[str, Any]) -> dict[str, Any]:
    """One map over another, if the other is one."""
    return {**below, **above} if isinstance(below, Mapping) else dict(above)


def values_of(tenant: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
    """The tenant's values over others. `values` may come from YAML: numbers are their digits."""
    found = {**values, **{key: str(each) for key, each in (tenant.get("values") or {}).items()}}
    if tenant.get(VERSION) is not None:
        found[VERSION] = str(tenant[VERSION])
    return found


def fill(value: Any, values: Mapping[str, str]) -> Any:
    """The value with each placeholder of its texts replaced, at any depth; keys stay."""
    if isinstance(value, str):
        return _fill_text(value, values) if "{" in value else value
    if isinstance(value, Mapping):
        return {key: fill(each, values) for key, each in value.items()}
    return [fill(each, values) for each in value] if isinstance(value, list) else value


def placeholders(
    value: Any, *, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every placeholder in the texts of a value, with its place."""
    if isinstance(value, str):
        found = (match[2] for match in _PLACEHOLDER.finditer(value) if "{" in value)
        yield from ((path, name) for name in found if name)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from placeholders(each, path=(*path, str(key)))
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from placeholders(each, path=(*path, position))


def _fill_text(text: str, values: Mapping[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        literal, name = match[1], match[2]
        return f"{{{literal}}}" if literal else values.get(name, match[0])

    return _PLACEHOLDER.sub(replace, text)
