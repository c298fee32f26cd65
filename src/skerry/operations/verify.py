"""`skerry verify`: every object compared with what was applied, in each cell."""

from collections.abc import Sequence
from typing import Final

from skerry.model.world import Finding
from skerry.operations.cells import Replies, reach
from skerry.operations.fleet import Fleet
from skerry.operations.platform import Platform

VERIFY_SECONDS: Final = 110.0
"""Seconds a cell has. Ten thousand services of a dozen objects each take fifteen."""


async def verify(fleet: Fleet, *, cells: Sequence[str] = ()) -> Replies[tuple[Finding, ...]]:
    """What is not as it was applied, in the order of kind and name. Changes nothing but
    Skerry's own index. Raises NotFound."""
    found = await reach(fleet.platforms(cells), _findings, within_seconds=VERIFY_SECONDS)
    return found.some()


async def _findings(platform: Platform) -> tuple[Finding, ...]:
    found = [each async for each in platform.engine.verify()]
    return tuple(sorted(found, key=lambda each: (each.service or ("", ""), each.key)))
