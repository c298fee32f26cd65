"""How far a one-off's pod is, from one look."""

from typing import Any

import pytest

from skerry.engines.kubernetes.podlife import Life, Started, life_of

NO_COMMAND = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
    'runc create failed: unable to start container process: exec: "migrate": executable file '
    "not found in $PATH: unknown"
)
BACK_OFF = "Back-off pulling image"


def pod(state: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    statuses = [{"name": "aside", "state": {"running": {}}}, {"name": "web", "state": state or {}}]
    return {
        "metadata": {"name": "web-run"},
        "spec": {"containers": [{"name": "web"}, {"name": "aside"}]},
        "status": {"containerStatuses": statuses if state else [], **status},
    }


@pytest.mark.parametrize(
    ("seen", "life"),
    [
        (pod(), Life(reason="")),
        (pod({"waiting": {"reason": "ContainerCreating"}}), Life(reason="")),
        (pod({"running": {}}), Started()),
        (pod({"terminated": {"exitCode": 4}}, phase="Failed"), Started(exit_code=4)),
        (
            pod({"terminated": {"reason": "StartError", "exitCode": 128, "message": NO_COMMAND}}),
            Life(
                reason="its container cannot be started: migrate is not in its image", failed=True
            ),
        ),
        (
            pod({"waiting": {"reason": "ImagePullBackOff", "message": BACK_OFF}}),
            Life(reason=f"its image cannot be had: {BACK_OFF}", failed=True),
        ),
        (
            pod(phase="Failed", reason="DeadlineExceeded", message="was active too long"),
            Life(reason="was active too long", failed=True),
        ),
        (
            pod(conditions=[{"reason": "Unschedulable", "message": "0/3 nodes"}]),
            Life(reason="a place to run: 0/3 nodes"),
        ),
    ],
)
def test_a_pod_is_read(seen: dict[str, Any], life: Life) -> None:
    assert life_of(seen) == life
