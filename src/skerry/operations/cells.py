"""The same thing in several cells: side by side, each for itself.

A cell that is slow, down or full of errors delays no other and takes nothing from it: its
reply is an error, by name. What is done in one cell is in the other modules.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from skerry.errors import EngineUnavailable, NotFound, SkerryError, Unavailable, own_fault
from skerry.operations.platform import Platform

log = logging.getLogger(__name__)
T = TypeVar("T")
LOOK_SECONDS: Final = 15.0
"""Seconds a cell has to say how it is. Two thousand services take three."""
PLAN_SECONDS: Final = 60.0
"""Seconds a cell has until its plan is made. Ten thousand services take seven on two cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Generic[T]):
    """What one cell answered, or why it did not."""

    platform: Platform
    value: T | None = None
    error: SkerryError | None = None

    @property
    def cell(self) -> str:
        """Whose it is."""
        return self.platform.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Replies(Generic[T]):
    """What all cells answered, in the order they were asked."""

    all: tuple[Reply[T], ...]

    @property
    def good(self) -> tuple[tuple[Platform, T], ...]:
        """The answers."""
        return tuple((each.platform, each.value) for each in self.all if each.value is not None)

    @property
    def failed(self) -> tuple[tuple[Platform, SkerryError], ...]:
        """The cells without one, and why."""
        return tuple((each.platform, each.error) for each in self.all if each.error is not None)

    def some(self) -> "Replies[T]":
        """These. Raises the error when there is one cell; and when all refuse for the same
        reason, for then it is the request's fault and no cell's."""
        errors = [error for _, error in self.failed]
        same = len({_essence(each) for each in errors}) == 1
        alone = len(self.all) == 1
        if same and not self.good and (alone or not isinstance(errors[0], Unavailable)):
            raise errors[0]
        return self

    def where_found(self) -> "Replies[T]":
        """Those of cells that know the subject: not to be there is no fault of the others.
        Raises NotFound when it is in none that answered, and the only error there is."""
        strangers = [each for each in self.all if isinstance(each.error, NotFound)]
        rest = tuple(each for each in self.all if each not in strangers)
        if strangers and not rest:
            assert strangers[0].error is not None
            raise strangers[0].error
        return Replies(all=rest).some()


async def reach(
    platforms: Iterable[Platform],
    act: Callable[[Platform], Awaitable[T]],
    *,
    within_seconds: float,
) -> Replies[T]:
    """Act in each of the cells at once. What a cell does not answer in time is given up there.
    A fault of Skerry's own is one cell's too, where there are others."""
    asked = tuple(platforms)
    replies = (_one(each, act, within_seconds, alone=len(asked) == 1) for each in asked)
    return Replies(all=tuple(await asyncio.gather(*replies)))


async def _one(
    platform: Platform,
    act: Callable[[Platform], Awaitable[T]],
    within_seconds: float,
    *,
    alone: bool,
) -> Reply[T]:
    try:
        async with asyncio.timeout(within_seconds):
            await platform.cells.open()
            return Reply(platform=platform, value=await act(platform))
    except SkerryError as error:
        return Reply(platform=platform, error=error)
    except TimeoutError:
        return Reply(platform=platform, error=_late(platform, within_seconds))
    except Exception:
        if alone:
            raise
        log.exception("cell %s met a fault of Skerry's own", platform.name)
        return Reply(platform=platform, error=own_fault(f"cell/{platform.name}"))


def _late(platform: Platform, seconds: float) -> EngineUnavailable:
    return EngineUnavailable(
        f"did not answer within {seconds:.0f}s",
        subject=f"cell/{platform.name}",
        hint="skerry cells",
    )


def _essence(error: SkerryError) -> tuple[str, str]:
    return (error.code, error.cause)
