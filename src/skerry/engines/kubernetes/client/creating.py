"""Whether an object that is there is the one we sent, when the answer to our create was lost."""

from collections.abc import Mapping
from typing import Any, Final

_ENVELOPE: Final = frozenset({"apiVersion", "kind", "metadata"})


def is_as_sent(found: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    """Whether all that was sent is in it. One without content of its own (a Namespace, an empty
    ConfigMap) could be anybody's: then it is not."""
    content = {key: value for key, value in sent.items() if key not in _ENVELOPE}
    marks = {key: sent["metadata"].get(key) or {} for key in ("labels", "annotations")}
    return bool(content) and _holds(found, content) and _holds(found["metadata"], marks)


def _holds(found: Any, sent: Any) -> bool:
    if isinstance(sent, Mapping):
        there = found if isinstance(found, Mapping) else {}
        return all(
            _holds(there.get(key), value) for key, value in sent.items() if value not in ({}, [])
        )
    if isinstance(sent, list):
        pairs = zip(found, sent, strict=True) if _as_long(found, sent) else ()
        return bool(pairs) and all(_holds(*pair) for pair in pairs)
    return bool(found == sent)


def _as_long(found: Any, sent: list[Any]) -> bool:
    return isinstance(found, list) and len(found) == len(sent)
