"""A wall clock that jumps while something is deployed changes nothing but what records say."""

from datetime import datetime, timedelta

import pytest

from skerry.clock import SystemClock
from skerry.model.progress import OperationState
from skerry.model.world import State
from tests.builders import service
from tests.operations.world import world

WEB = service("web").image("web:1").replicas(2)


class JumpingClock(SystemClock):
    """Each look at the wall clock is that much further away than the one before."""

    def __init__(self, step: timedelta) -> None:
        self._step = step
        self._jumped = timedelta()

    def now(self) -> datetime:
        self._jumped += self._step
        return super().now() + self._jumped


@pytest.mark.parametrize("minutes", [90, -90], ids=["ahead", "back"])
async def test_a_deploy_under_a_jumping_clock_ends_well(minutes: int) -> None:
    clock = JumpingClock(timedelta(minutes=minutes))
    async with world(clock=clock, start_seconds=0.3, drain=0.2) as here:
        await here.apply(WEB)
        ended = await here.apply(WEB.image("web:2"))
        assert ended.state is OperationState.DONE, ended.error
        state = await here.state("web")
        assert state is not None
        assert (state.state, state.image, state.ready) == (State.RUNNING, "web:2", 2)
        assert await here.verdicts("web") == [(2, "deployed"), (1, "deployed")]


@pytest.mark.parametrize("minutes", [90, -90], ids=["ahead", "back"])
async def test_a_deadline_is_kept_under_a_jumping_clock(minutes: int) -> None:
    clock = JumpingClock(timedelta(minutes=minutes))
    async with world(clock=clock) as here:
        await here.apply(WEB)
        ended = await here.apply(WEB.image("fault/never-ready:1").having(deadline="300ms"))
        assert ended.state is OperationState.FAILED
        assert "not done after 300ms" in ended.error
        state = await here.state("web")
        assert state is not None and state.image == "web:1"
