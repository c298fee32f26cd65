"""Takes a replica away: unrouted, drained, told to stop, removed. In that order, always."""

from collections.abc import Awaitable, Callable
from typing import Final

from skerry.engines.local.api import ApiError
from skerry.engines.local.crew import Crew
from skerry.engines.local.replica import Phase, Replica
from skerry.errors import EngineUnavailable, GatewayUnavailable
from skerry.model.proxy import Address

_FIRST_LOOK_SECONDS: Final = 0.01
_SLOWEST_LOOK_SECONDS: Final = 0.25
_LONGEST_RETRY_SECONDS: Final = 10.0


async def retire(replica: Replica, crew: Crew) -> None:
    """Return once the replica's process has ended; its container is removed soon after.

    The caller has set `replica.retiring` and ended its pilot. A crash at any point is
    finished by the next start: what retires is remembered before the gateway is told.
    """
    if replica.phase is Phase.RUNNING:
        await crew.state.remember(replica)
        if replica.address is not None:
            await crew.router.settled()
            await drained(replica.address, crew, within_seconds=replica.care.drain_seconds)
        replica.message = "told to stop"
        crew.state.touch(replica.service)
        await _insist(lambda: _stop(replica, crew), crew)
    replica.phase = Phase.STOPPED
    crew.state.replicas.pop(replica.pod, None)
    crew.changed(replica.service)
    crew.tasks.spawn(_clear(replica, crew), name=f"remove {replica.pod}")


async def drained(address: Address, crew: Crew, *, within_seconds: float) -> None:
    """Return once the gateway has no connection to the address, or the time is over."""
    clock = crew.clock
    deadline = clock.monotonic() + within_seconds
    pause = _FIRST_LOOK_SECONDS
    while clock.monotonic() < deadline:
        try:
            if address not in await crew.gateway.busy([address]):
                return
        except GatewayUnavailable:
            pass  # a gateway that comes back knows; until then the time runs
        await clock.sleep(min(pause, max(0.0, deadline - clock.monotonic())))
        pause = min(pause * 1.5, _SLOWEST_LOOK_SECONDS)


async def _stop(replica: Replica, crew: Crew) -> None:
    grace = replica.care.grace_seconds
    if replica.care.port is None:
        grace += replica.care.drain_seconds  # its work is not the gateway's to see
    await crew.runtime.stop(replica.container, grace_seconds=grace)


async def _clear(replica: Replica, crew: Crew) -> None:
    await _insist(lambda: crew.runtime.remove(replica.container), crew)
    crew.book.give_back(replica.ip)
    await crew.state.forget(replica.pod)
    crew.wake(replica.service)


async def _insist(act: Callable[[], Awaitable[None]], crew: Crew) -> None:
    pause = 0.2
    while True:
        try:
            return await act()
        except (EngineUnavailable, ApiError):
            await crew.clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_RETRY_SECONDS)
