"""The order in which a service's objects are made; they go the other way round."""

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from skerry.model.keys import ObjectKey
from skerry.model.objects import Manifest, key_of

_FIRST: Final = frozenset({"Namespace", "CustomResourceDefinition"})
_BINDINGS: Final = frozenset({"RoleBinding"})
_LAST: Final = "Deployment"


def rank(key: ObjectKey) -> int:
    """What others are put into first; then all that is around the workload, at once; then
    bindings, for the cluster reads the role to see whether we may give it away; the Deployment
    last: its inventory says that the rest is there."""
    if key.kind in _FIRST:
        return 0
    if key.kind == _LAST:
        return 3
    return 2 if key.kind in _BINDINGS else 1


def waves(objects: Iterable[Manifest]) -> list[list[Manifest]]:
    """Objects in the order they are applied; those of one list at once."""
    ordered = sorted(objects, key=lambda each: rank(key_of(each)))
    return [list(each) for _, each in groupby(ordered, key=lambda each: rank(key_of(each)))]


def removals(keys: Iterable[ObjectKey]) -> list[list[ObjectKey]]:
    """Keys in the order they are deleted; those of one list at once."""
    ordered = sorted(keys, key=lambda key: (-rank(key), key))
    return [list(each) for _, each in groupby(ordered, key=rank)]
