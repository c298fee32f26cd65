"""What a document is: the one key that says so."""

from collections.abc import Mapping
from typing import Any, Final

from skerry.spec.messages import Complaint
from skerry.spec.words import show_key, suggest

SERVICE: Final = "service"
STACK: Final = "stack"
CELL: Final = "cell"
SETTINGS: Final = "settings"
SETTINGS_FILE: Final = "skerry.yaml"
# Known to the design, and refused until there is an engine for them.
COMING: Final = {
    "group": "group is not supported yet: no engine here shares capacity by priority",
    "job": "job is not supported yet: no engine here runs work that ends",
    "environment": "environment is not supported yet: one cell is all there is to promote to",
}
KINDS: Final = (SERVICE, STACK, CELL, *COMING)
_SETTINGS_KEYS: Final = frozenset({"version", "defaults", "required_tags", "teams"})


def kind_of(value: Any, *, file: str) -> str | Complaint:
    """The kind of a document, or why it is none."""
    if not isinstance(value, Mapping):
        said = "should be a map that starts with `service: NAME`"
        return Complaint((), said, "write `service: NAME` and `image: IMAGE`")
    found = [kind for kind in KINDS if kind in value]
    if len(found) > 1:
        return Complaint((found[1],), f"has {' and '.join(found)}: keep one", "start a new `---`")
    if not found:
        return SETTINGS if file == SETTINGS_FILE else _no_kind(value)
    if found[0] in COMING:
        return Complaint((found[0],), COMING[found[0]])
    return found[0]


def name_of(value: Any) -> str:
    """What to call a document in a message."""
    if isinstance(value, Mapping):
        written = (value[kind] for kind in KINDS if kind in value)
        return next((show_key(name) for name in written if isinstance(name, str)), "document")
    return "document"


def _no_kind(value: Mapping[Any, Any]) -> Complaint:
    if _SETTINGS_KEYS.issuperset(value) and value:
        said = f"settings are read from {SETTINGS_FILE} at the repository's root only"
        return Complaint((), said, f"move it to {SETTINGS_FILE}")
    for key in value:
        end, hint = suggest(str(key), KINDS)
        if end:
            return Complaint((key,), f"unknown kind `{show_key(key)}`{end}", hint)
    said = f"has none of the keys that say what it is: {', '.join((SERVICE, STACK, CELL))}"
    return Complaint((), said, "add `service: NAME`, or keep the file out of the repository")
