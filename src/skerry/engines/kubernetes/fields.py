"""Whose fields an object's are, as Kubernetes keeps it in `managedFields`. Pure.

A field somebody else changes, or removes, leaves our set: an object whose set is as it was
after our apply is as we applied it. `fields_digest` is what that set is compared by.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from skerry.engines.kubernetes.client.failures import ApiError
from skerry.engines.kubernetes.overrides import DOCUMENT, SCALE_MANAGER
from skerry.errors import Conflict
from skerry.model.objects import FIELD_MANAGER, Manifest, digest_of

RESTART_MANAGER: Final = "skerry-restart"
OWN_MANAGERS: Final = frozenset({FIELD_MANAGER, SCALE_MANAGER, RESTART_MANAGER})
AUTOSCALER: Final = "kube-controller-manager"
"""Under this name the cluster's autoscaler sets counts: ours is at work there."""
_COUNT: Final = ".spec.replicas"
_ALL: Final = frozenset({"f:replicas", "f:minReplicas", "f:maxReplicas"})
_COUNTING: Final = OWN_MANAGERS | {AUTOSCALER}


def fields_digest(live: Manifest) -> str:
    """Of the fields that are ours by apply; empty when none is. Counts are left out, for they
    go from hand to hand among us; only a stranger's hand on one makes another digest."""
    ours = _applied(live)
    if not ours:
        return ""
    rest = _without_counts(ours)
    return digest_of([rest, "counted"] if _is_counted_by_others(live) else rest)[:8]


def owns_count(live: Manifest) -> bool:
    """Whether the count of replicas is ours by apply and nobody else's: an apply without it
    would reset it to one."""
    if not _has_count(_applied(live)):
        return False
    return not any(
        _has_count(entry.get("fieldsV1") or {})
        for entry in _entries(live)
        if not _is_applied(entry)
    )


def others(live: Manifest) -> dict[str, list[str]]:
    """Fields that managers not ours hold, by manager: neither status nor what the cluster's
    own controllers note for themselves."""
    found: dict[str, list[str]] = {}
    for entry in _entries(live):
        manager = str(entry.get("manager", ""))
        if manager in OWN_MANAGERS and entry.get("operation") == "Apply":
            continue
        if entry.get("subresource") or manager == AUTOSCALER:
            continue
        paths = [path for path in _paths(entry.get("fieldsV1") or {}) if _counts(path)]
        if paths and manager not in OWN_MANAGERS - {FIELD_MANAGER}:
            found.setdefault(manager, []).extend(paths)
    return found


def is_settled_among_us(conflict: Conflict) -> bool:
    """Whether every field in the way is held by Skerry itself under another name, or is the
    count that our autoscaler set: then ours is newer, and forced."""
    error = conflict.__cause__
    if not isinstance(error, ApiError):
        return False
    causes = [each for each in error.causes if each.get("reason") == "FieldManagerConflict"]
    return bool(causes) and all(_is_own(each) for each in causes)


def _is_own(cause: Mapping[str, Any]) -> bool:
    message = str(cause.get("message", ""))
    if any(f'"{manager}"' in message for manager in OWN_MANAGERS):
        return True
    return cause.get("field") == _COUNT and f'"{AUTOSCALER}"' in message


def _entries(live: Manifest) -> list[Mapping[str, Any]]:
    return list(live["metadata"].get("managedFields") or ())


def _is_applied(entry: Mapping[str, Any]) -> bool:
    ours = entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"
    return ours and not entry.get("subresource")


def _applied(live: Manifest) -> Mapping[str, Any]:
    ours = (each.get("fieldsV1") or {} for each in _entries(live) if _is_applied(each))
    return next(ours, {})


def _has_count(fields: Mapping[str, Any]) -> bool:
    return "f:replicas" in (fields.get("f:spec") or {})


def _without_counts(ours: Mapping[str, Any]) -> dict[str, Any]:
    spec = {name: each for name, each in (ours.get("f:spec") or {}).items() if name not in _ALL}
    metadata = dict(ours.get("f:metadata") or {})
    annotations = dict(metadata.get("f:annotations") or {})
    annotations.pop(f"f:{DOCUMENT}", None)
    return {**ours, "f:spec": spec, "f:metadata": {**metadata, "f:annotations": annotations}}


def _is_counted_by_others(live: Manifest) -> bool:
    strangers = (each for each in _entries(live) if each.get("manager") not in _COUNTING)
    return any(_ALL & set((each.get("fieldsV1") or {}).get("f:spec") or ()) for each in strangers)


def _counts(path: str) -> bool:
    """Whether a change of this field is one of what Skerry applies."""
    return not path.startswith(("status", "metadata.annotations.deployment.kubernetes.io"))


def _paths(fields: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """`spec.template.spec.containers[name=web].image`, for each field of a set."""
    for name, below in fields.items():
        if name == ".":
            continue
        kind, _, text = name.partition(":")
        named = f"{before}.{text}" if before else text
        path = named if kind == "f" else f"{before}[{text[:80]}]"
        if below:
            yield from _paths(below, path)
        if not below or "." in below:
            yield path
