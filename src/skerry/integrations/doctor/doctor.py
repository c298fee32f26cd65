"""The doctor: all looks side by side, in their order."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from skerry.errors import SkerryError
from skerry.model.process import Check

log = logging.getLogger(__name__)
LOOK_SECONDS: Final = 15.0

Look = Callable[[], Awaitable[Iterable[Check]]]


class MachineDoctor:
    """Implements ports.Doctor on looks by subject."""

    def __init__(self, looks: Mapping[str, Look], *, seconds: float = LOOK_SECONDS) -> None:
        self._looks = dict(looks)
        self._seconds = seconds

    async def checks(self) -> tuple[Check, ...]:
        """What was looked at. A look that breaks, or takes too long, is a check as well, and
        stops none of the others."""
        found = await asyncio.gather(*map(self._make, self._looks))
        return tuple(check for checks in found for check in checks)

    async def _make(self, name: str) -> Iterable[Check]:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._looks[name]()
        except SkerryError as error:
            return [Check(name=name, ok=False, message=error.cause, hint=error.hint)]
        except TimeoutError:
            said = f"no answer within {self._seconds:g} s"
        except Exception as error:
            log.exception("doctor: %s", name)
            said = f"cannot be looked at: {error}"
        return [Check(name=name, ok=False, stops=False, message=said)]


def in_thread(look: Callable[..., Iterable[Check]], *given: Any) -> Look:
    """A look that reads files, or waits for name servers, beside everything else."""

    async def made() -> Iterable[Check]:
        return await asyncio.to_thread(lambda: tuple(look(*given)))

    return made
