"""Jobs made from a service: its `before:` command, and what `skerry run` starts."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from skerry.model.objects import Manifest, stamp

_LONG_RUNNING: Final = frozenset(
    {"readinessProbe", "livenessProbe", "startupProbe", "lifecycle", "ports"}
)


def one_off(
    deployment: Manifest, command: Sequence[str], *, name: str, deadline_seconds: float | None
) -> Manifest:
    """A Job that runs `command` once in the service's image, with its environment, files and
    volumes. Nothing routes to it; it is not tried a second time. Containers a patch put beside
    the service's stay out: they would never end."""
    metadata = deployment["metadata"]
    template = deployment["spec"]["template"]
    pod = {**template["spec"], "restartPolicy": "Never"}
    pod.pop("topologySpreadConstraints", None)
    pod["containers"] = [_once(pod["containers"][0], command)]
    spec: dict[str, Any] = {
        "backoffLimit": 0,
        "template": {"metadata": {"labels": _labels(template)}, "spec": pod},
    }
    if deadline_seconds is not None:
        spec["activeDeadlineSeconds"] = max(1, round(deadline_seconds))
    return stamp(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                "name": name,
                "namespace": metadata["namespace"],
                "labels": metadata["labels"],
            },
            "spec": spec,
        }
    )


def _once(container: Mapping[str, Any], command: Sequence[str]) -> dict[str, Any]:
    kept = {part: value for part, value in container.items() if part not in _LONG_RUNNING}
    return {**kept, "args": list(command)}


def _labels(template: Mapping[str, Any]) -> dict[str, str]:
    """Without the label that picks replicas: a job must never get the service's requests."""
    labels = template["metadata"]["labels"]
    return {key: value for key, value in labels.items() if key != "skerry.dev/service"}
