"""Why a replica finds no place: the scheduler's message, condensed."""

import re
from collections.abc import Sequence
from typing import Final

from skerry.model.objects import Manifest
from skerry.observer.events import newest

_NODES: Final = re.compile(r"^0/(?P<count>\d+) nodes are available: (?P<why>.*)$", re.DOTALL)
_END: Final = re.compile(r"\.(?:\s|$)| preemption: ")
_ITEM: Final = re.compile(r"^(?P<count>\d+) (?P<why>.+)$")
_TAINT: Final = re.compile(r"had (?:untolerated )?taint(?:\(s\))?(?: \{(?P<taint>[^}]*)\})?")
_CLAIM: Final = re.compile(r'persistentvolumeclaim "(?P<name>[^"]+)" not found')
_UNBOUND: Final = "unbound immediate PersistentVolumeClaims"
_WORDS: Final[tuple[tuple[str, str, str], ...]] = (
    # what Kubernetes says, what one node has, what several have
    ("Insufficient cpu", "has too little cpu", "have too little cpu"),
    ("Insufficient memory", "has too little memory", "have too little memory"),
    ("Insufficient ephemeral-storage", "has too little disk", "have too little disk"),
    ("Too many pods", "can take no more replicas", "can take no more replicas"),
    ("node affinity/selector", "is not one it may run on", "are not ones it may run on"),
    ("free ports", "has the port taken", "have the port taken"),
    ("were unschedulable", "is closed to new replicas", "are closed to new replicas"),
    ("volume node affinity", "cannot reach its volume", "cannot reach its volume"),
    ("max volume count", "can attach no more volumes", "can attach no more volumes"),
    ("topology spread", "would spread them unevenly", "would spread them unevenly"),
    ("anti-affinity", "has one already", "have one already"),
)
_ADDING: Final = frozenset({"TriggeredScaleUp", "Nominated"})
_NOT_ADDING: Final = frozenset({"NotTriggerScaleUp"})
_PROVISIONING: Final = frozenset({"ProvisioningFailed", "FailedBinding"})


def no_place(message: str, *, events: Sequence[Manifest], claims: Sequence[Manifest]) -> str:
    """`events` are about the pod, `claims` about its volume claims, newest first. Waiting may
    help, for a cell may get another node: the sentence says what is known of that."""
    why, about_volumes = _condense(message.strip())
    if about_volumes and (trouble := newest(claims, _PROVISIONING)):
        return f"finds no place: {why}: {trouble.message}"
    hope = ""
    said = newest(events, _ADDING | _NOT_ADDING)
    if said is not None and said.reason in _ADDING:
        hope = "; the cell is adding a node"
    elif said is not None:
        hope = "; the cell adds no node for it"
    return f"finds no place: {why}{hope}"


def _condense(message: str) -> tuple[str, bool]:
    """The reason, and whether it is about volumes."""
    if match := _CLAIM.search(message):
        return f"its volume {match['name']} is not there", True
    if _UNBOUND in message:
        return "its volume is not bound", True
    if "no nodes available" in message:
        return "the cell has no node", False
    match = _NODES.match(message)
    if match is None:
        return message, False
    items = [each for each in _END.split(match["why"], maxsplit=1)[0].split(", ") if each]
    return f"0/{match['count']} nodes: {', '.join(map(_item, items))}", False


def _item(written: str) -> str:
    match = _ITEM.match(written)
    if match is None:
        return written
    count, why = int(match["count"]), match["why"]
    if taint := _TAINT.search(why):
        named = (taint["taint"] or "").removesuffix(": ").strip()
        said = "has a taint" if count == 1 else "have a taint"
        return f"{count} {said} ({named})" if named else f"{count} {said}"
    for pattern, one, several in _WORDS:
        if pattern in why:
            return f"{count} {one if count == 1 else several}"
    return written
