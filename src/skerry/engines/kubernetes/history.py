"""How many releases of a service a cell keeps."""

from collections.abc import Iterable
from typing import Final

HISTORY: Final = 20
"""Releases kept per service. Rolling back further than that is what git is for."""


def surplus(numbers: Iterable[int]) -> list[int]:
    """Those of a service's releases that are beyond history, oldest first."""
    ordered = sorted(numbers)
    return ordered[: max(0, len(ordered) - HISTORY)]
