"""How far a rollout is: done, hopeless, or worth waiting for."""

from dataclasses import dataclass

from skerry.model.world import ServiceState, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Every replica wanted is ready on the release wanted, and no old one is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Waiting does not help: why, and the last the container said."""

    reason: str
    last_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What is being waited for. `draining`: all are ready, old ones finish their work."""

    reason: str
    draining: bool = False


def progress(state: ServiceState) -> Done | Failed | Waiting:
    """Decided from one look, whatever was seen before."""
    leaving = sum(each.draining and not each.failed for each in state.replicas)
    if state.state in {State.RUNNING, State.STOPPED}:
        if not leaving:
            return Done()
        said = "1 old replica finishes its work"
        if leaving > 1:
            said = f"{leaving} old replicas finish their work"
        return Waiting(reason=said, draining=True)
    for replica in state.replicas:
        if replica.failed and replica.updated and not replica.draining:
            reason = f"{replica.name} {replica.reason}"
            return Failed(reason=reason, last_lines=replica.last_lines)
    if state.hopeless:
        return Failed(reason=state.reason)
    return Waiting(reason=state.reason)
