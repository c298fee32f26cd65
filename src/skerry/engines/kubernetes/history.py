"""How many releases of a service a cell keeps."""

from collections.abc import Collection
from typing import Final

HISTORY: Final = 20
"""Releases kept per service. Rolling back further than that is what git is for."""


def surplus(numbers: Collection[int], *, good: int | None) -> list[int]:
    """Those of a service's releases that are beyond history, oldest first. The newest that was
    up, `good`, stays however many failed since: it is what a failure goes back to."""
    ordered = sorted(numbers)
    return [each for each in ordered[: max(0, len(ordered) - HISTORY)] if each != good]
