"""How far a one-off's pod is. Pure."""

from dataclasses import dataclass
from typing import Final

from skerry.engines.kubernetes.replicas import own_status
from skerry.model.objects import Manifest
from skerry.model.starting import start_words

_HOPELESS: Final = {
    "ErrImagePull": "its image cannot be had",
    "ImagePullBackOff": "its image cannot be had",
    "InvalidImageName": "its image's name is not valid",
    "ErrImageNeverPull": "its image is not on the machine",
    "CreateContainerConfigError": "its container cannot be made",
    "CreateContainerError": "its container cannot be made",
    "RunContainerError": "its container cannot be started",
}
_NEVER_RAN: Final = {"StartError", "ContainerCannotRun"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Not started: what it waits for. `failed`: waiting does not help."""

    reason: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(Life):
    """It runs, or has ended with a code."""

    reason: str = ""
    exit_code: int | None = None


def life_of(pod: Manifest) -> Life:
    """From one look at the pod."""
    status = pod.get("status") or {}
    state = own_status(pod).get("state") or {}
    if "running" in state:
        return Started()
    if ended := state.get("terminated"):
        if ended.get("reason") in _NEVER_RAN:
            why = start_words(str(ended.get("message", "")).strip())
            return Life(reason=f"its container cannot be started: {why}", failed=True)
        return Started(exit_code=int(ended.get("exitCode", 0)))
    waiting = state.get("waiting") or {}
    if said := _HOPELESS.get(waiting.get("reason", "")):
        message = start_words(str(waiting.get("message", "")).strip())
        return Life(reason=f"{said}: {message}" if message else said, failed=True)
    if status.get("phase") == "Failed":
        said = status.get("message") or status.get("reason") or "it was ended by its machine"
        return Life(reason=str(said), failed=True)
    for condition in status.get("conditions") or ():
        if condition.get("reason") == "Unschedulable":
            return Life(reason=f"a place to run: {condition.get('message', '')}")
    return Life(reason="")
