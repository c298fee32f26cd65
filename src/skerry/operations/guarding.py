"""An engine that acts only for the server that leads."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, cast

from skerry.errors import Unavailable
from skerry.ports import Engine, Leadership

# All that changes a cell. Looking, and reaching into replicas, is for every server.
_ACTS: Final = frozenset({"apply", "delete", "scale", "restart", "record", "remember"})


def guarded(engine: Engine, leadership: Leadership) -> Engine:
    """The engine, whose acts ask at the last moment whether this server leads: one that was
    stopped in the middle of an operation, and wakes up when another has taken it up, does no
    more of it. Acts then raise Unavailable."""
    return cast("Engine", _Guarded(engine, leadership))


class _Guarded:
    def __init__(self, engine: Engine, leadership: Leadership) -> None:
        self._engine = engine
        self._leadership = leadership

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._engine, name)
        return self._asking(found) if name in _ACTS else found

    def _asking(self, act: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(act)
        async def asking(*given: Any, **named: Any) -> Any:
            if not self._leadership.leads:
                raise Unavailable(
                    "this server does not lead any more; the one that does goes on with it",
                    subject=f"cell/{self._engine.cell.cell}",
                    hint="skerry operations",
                )
            return await act(*given, **named)

        return asking
