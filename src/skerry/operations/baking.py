"""The bake: a wave that is up is watched for a while before the next one begins."""

from dataclasses import replace
from typing import Final

from skerry.model.keys import ServiceKey
from skerry.model.progress import Stage
from skerry.model.rollout import Rollout
from skerry.model.world import ServiceState, State
from skerry.operations.lookout import Lookout, states_of
from skerry.operations.members import scope_of, services_of_wave
from skerry.operations.platform import Platform
from skerry.operations.voice import Voice
from skerry.operations.wave import LOOK_SECONDS, PACE_SECONDS, Pulse
from skerry.planner.waves import Bake, Decision, Seen, Sight, after, decide

SAY_SECONDS: Final = 10.0
_ILL: Final = frozenset({State.DEGRADED, State.DOWN, State.COOLDOWN})


async def bake(
    platform: Platform, rollout: Rollout, *, voice: Voice, pulse: Pulse
) -> tuple[Rollout, Decision]:
    """Watch until the time is over or a tenant is not well any more. Between waves nobody is
    kept from writing. A wish to stop ends it at once: then the decision is still to bake."""
    clock = platform.clock
    services = _watched(rollout)
    said = float("-inf")
    sights = {tenant: Sight(seen=Seen.UP) for tenant in services.values()}
    async with Lookout(platform.engine, clock, scope_of(rollout)) as lookout:
        while True:
            if (look := await lookout.look(within=LOOK_SECONDS)) is not None:
                states = states_of(look, services.keys())
                sights = {each: _sight(states.get(key)) for key, each in services.items()}
            decision = decide(rollout, sights, now=clock.now())
            if not isinstance(decision, Bake):
                return after(rollout, decision, now=clock.now()), decision
            if clock.monotonic() - said >= SAY_SECONDS:
                said = clock.monotonic()
                await voice.say(Stage.WAITING, decision.reason, since=rollout.baking)
            if pulse(replace(rollout, up=len(services))):
                return rollout, decision
            await clock.sleep(PACE_SECONDS)


def _watched(rollout: Rollout) -> dict[ServiceKey, str]:
    apart = rollout.failed.keys() | rollout.skipped.keys()
    every = services_of_wave(rollout)
    return {service: tenant for service, tenant in every.items() if tenant not in apart}


def _sight(state: ServiceState | None) -> Sight:
    if state is None:
        return Sight(seen=Seen.TROUBLED, reason="is not here any more")
    if state.state in _ILL:
        return Sight(seen=Seen.TROUBLED, reason=state.reason)
    return Sight(seen=Seen.UP)
