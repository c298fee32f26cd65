"""Defaults of skerry.yaml under every service: maps merge, the document wins."""

from collections.abc import Mapping
from typing import Any, Final

# Where a document that has one of these does not take the other from the defaults.
_EITHER: Final[Mapping[tuple[str, ...], tuple[str, str]]] = {
    (): ("image", "build"),
    ("health",): ("path", "command"),
}


def merge(
    defaults: Mapping[str, Any], document: Mapping[str, Any], *, path: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The document over the defaults. A map written `null` stays null: that drops a default."""
    merged = {**defaults, **document}
    for key, default in defaults.items():
        written = document.get(key)
        if isinstance(default, Mapping) and isinstance(written, Mapping):
            merged[key] = merge(default, written, path=(*path, str(key)))
    either = _EITHER.get(path, ())
    for one, other in (either, either[::-1]) if either else ():
        if one in document and other not in document:
            merged.pop(other, None)
    return merged
