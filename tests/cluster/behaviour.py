"""What pods of the double do, by the name of their fault. Pure: status in, status out.

    fault/exits          exits 1 after it started, again and again (CrashLoopBackOff)
    fault/oom            is killed for its memory, again and again (OOMKilled)
    fault/never-ready    runs, and its readiness probe fails
    fault/slow           becomes ready after two seconds
    fault/missing        its image is not there (ErrImagePull, ImagePullBackOff)
    fault/config         its ConfigMap or Secret is not there (CreateContainerConfigError)
    fault/unschedulable  no node takes it
    fault/flaps          is ready, then not, then ready again
    fault/slow-stop      takes a second to stop
    fault/stuck          never stops

Pods of a Job complete: with code 0, or 1 for fault/exits.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

FAULT: Final = "test.skerry.dev/fault"
NEVER: Final = -1.0
UNSCHEDULABLE: Final = (
    "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: "
    "3 No preemption victims found for incoming pod."
)
_NODE_CPUS: Final = 4000.0
_IMAGE: Final = re.compile(r"(?:^|/)fault/(?P<name>[a-z-]+)")
_RUNNING: Final = {"running": {"startedAt": ""}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The next state of all containers, and what is said on the way there."""

    state: Mapping[str, Any]
    ready: bool = False
    restarts: int = 0
    last: Mapping[str, Any] | None = None
    phase: str = "Running"
    after: float = 0.0
    events: tuple[tuple[str, str], ...] = ()
    kind: str = "Warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """The steps of a life, and how long the stop takes; None is at once."""

    steps: tuple[Step, ...]
    stop_seconds: float | None = None

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)


def behaviour_of(pod: Mapping[str, Any]) -> Behaviour:
    """What this pod does."""
    fault = fault_of(pod)
    if pod["spec"].get("restartPolicy", "Always") != "Always":
        return Behaviour(steps=_job(failing=fault == "exits"))
    image = pod["spec"]["containers"][0]["image"]
    make = _FAULTS.get(fault)
    return make(image) if make else Behaviour(steps=_HEALTHY)


def fault_of(pod: Mapping[str, Any]) -> str:
    """The name of its fault, or nothing."""
    named = (pod["metadata"].get("annotations") or {}).get(FAULT)
    found = _IMAGE.search(pod["spec"]["containers"][0]["image"])
    return str(named or (found["name"] if found else ""))


def fits(pod: Mapping[str, Any]) -> str:
    """Why no node takes the pod, or nothing."""
    asked = sum(_cpus(each) for each in pod["spec"]["containers"])
    return UNSCHEDULABLE if fault_of(pod) == "unschedulable" or asked > _NODE_CPUS else ""


def statuses(pod: Mapping[str, Any], step: Step, *, address: str, now: str) -> dict[str, Any]:
    """The pod's status after a step."""
    containers = [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": f"{container['image']}@sha256:{'0' * 64}",
            "containerID": f"double://{pod['metadata']['uid']}",
            "ready": step.ready,
            "started": "running" in step.state,
            "restartCount": step.restarts,
            "state": _timed(step.state, now),
            **({"lastState": _timed(step.last, now)} if step.last else {}),
        }
        for container in pod["spec"]["containers"]
    ]
    done = step.phase in ("Succeeded", "Failed")
    ready = "True" if step.ready else "False"
    why = {} if step.ready else {"reason": "PodCompleted" if done else "ContainersNotReady"}
    conditions = [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": now},
        {"type": "Initialized", "status": "True", "lastTransitionTime": now},
        {"type": "ContainersReady", "status": ready, "lastTransitionTime": now, **why},
        {"type": "Ready", "status": ready, "lastTransitionTime": now, **why},
    ]
    return {
        "phase": step.phase,
        "conditions": conditions,
        "containerStatuses": containers,
        "hostIP": "127.0.0.1",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": pod["status"].get("startTime") or now,
    }


def _timed(state: Mapping[str, Any], now: str) -> dict[str, Any]:
    times = {"running": ("startedAt",), "terminated": ("startedAt", "finishedAt")}
    return {
        kind: {**dict(said), **dict.fromkeys(times.get(kind, ()), now)}
        for kind, said in state.items()
    }


def _waiting(reason: str, message: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def _ended(code: int, reason: str) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason}}


def _cpus(container: Mapping[str, Any]) -> float:
    written = str((container.get("resources") or {}).get("requests", {}).get("cpu", "0"))
    scale = {"m": 0.001, "k": 1000.0}.get(written[-1:], 1.0)
    return float(written.rstrip("mk")) * scale


def _job(*, failing: bool) -> tuple[Step, ...]:
    end = _ended(1, "Error") if failing else _ended(0, "Completed")
    phase = "Failed" if failing else "Succeeded"
    return Step(state=_RUNNING, ready=True), Step(state=end, phase=phase, after=0.05)


def _crashing(code: int, reason: str) -> Behaviour:
    ended = _ended(code, reason)
    steps = [Step(state=_RUNNING)]
    for restarts in range(1, 6):
        said = "back-off 10s restarting failed container"
        waits = _waiting("CrashLoopBackOff", said)
        backed_off = (("BackOff", "Back-off restarting failed container"),)
        steps.append(Step(state=ended, restarts=restarts - 1, after=0.05))
        steps.append(
            Step(state=waits, last=ended, restarts=restarts, after=0.05, events=backed_off)
        )
    return Behaviour(steps=tuple(steps))


def _never_ready(image: str) -> Behaviour:
    said = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    return Behaviour(
        steps=(Step(state=_RUNNING), Step(state=_RUNNING, events=(("Unhealthy", said),)))
    )


def _missing(image: str) -> Behaviour:
    said = f'failed to pull and unpack image "{image}": not found'
    pulled = f'Failed to pull image "{image}": {said}'
    backed_off = f'Back-off pulling image "{image}"'
    return Behaviour(
        steps=(
            Step(
                state=_waiting("ErrImagePull", said),
                phase="Pending",
                events=(("Failed", pulled), ("Failed", "Error: ErrImagePull")),
            ),
            Step(
                state=_waiting("ImagePullBackOff", f"{backed_off}: ErrImagePull: {said}"),
                phase="Pending",
                after=0.1,
                events=(("BackOff", backed_off),),
            ),
        )
    )


def _misconfigured(image: str) -> Behaviour:
    said = 'secret "settings" not found'
    waits = _waiting("CreateContainerConfigError", said)
    events = (("Failed", f"Error: {said}"),)
    return Behaviour(steps=(Step(state=waits, phase="Pending", events=events),))


def _flapping(image: str) -> Behaviour:
    said = (("Unhealthy", "Readiness probe failed: connection refused"),)
    return Behaviour(
        steps=(
            *_HEALTHY,
            Step(state=_RUNNING, after=0.3, events=said),
            Step(state=_RUNNING, ready=True, after=0.3),
        )
    )


_HEALTHY: Final = (Step(state=_RUNNING, ready=True),)
_SLOW: Final = (Step(state=_RUNNING), Step(state=_RUNNING, ready=True, after=2.0))
_FAULTS: Final = {
    "exits": lambda image: _crashing(1, "Error"),
    "oom": lambda image: _crashing(137, "OOMKilled"),
    "never-ready": _never_ready,
    "slow": lambda image: Behaviour(steps=_SLOW),
    "missing": _missing,
    "config": _misconfigured,
    "flaps": _flapping,
    "slow-stop": lambda image: Behaviour(steps=_HEALTHY, stop_seconds=1.0),
    "stuck": lambda image: Behaviour(steps=_HEALTHY, stop_seconds=NEVER),
}
