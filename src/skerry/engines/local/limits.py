"""What of the objects this engine cannot do, said before it is tried. Pure."""

from collections.abc import Iterable, Sequence

import orjson

from skerry.engines.local.workload import depends_elsewhere
from skerry.model.objects import CLOUD_ROLE, EXTRA, Manifest, annotation


def limits_of(objects: Sequence[Manifest], *, routed: bool) -> tuple[str, ...]:
    """One sentence for each thing that was asked for and is not to be had here."""
    return tuple(sentence for manifest in objects for sentence in _limits(manifest, routed=routed))


def _limits(manifest: Manifest, *, routed: bool) -> Iterable[str]:
    name = manifest["metadata"]["name"]
    if manifest["kind"] == "HorizontalPodAutoscaler":
        least = manifest["spec"].get("minReplicas", 1)
        yield (
            f"{name} runs at its minimum of {least}: this cell has no autoscaling yet, "
            "it comes with a later release"
        )
    if manifest["kind"] == "Deployment" and not routed and depends_elsewhere(manifest):
        yield (
            f"{name} cannot reach services of other namespaces: container addresses are not "
            "routed on this machine, so there are no doors between namespaces"
        )
    if manifest["kind"] == "Deployment":
        yield from _only_on_clusters(manifest, name)
    if manifest["kind"] == "Namespace":
        yield (
            f"{name} has walls against others here, but no quota, no account of its own, and no "
            "limit to what it may reach outside: only a cluster enforces that"
        )
    role = annotation(manifest, CLOUD_ROLE) or name
    if manifest["kind"] == "ServiceAccount" and role != name:
        yield f"{name} has no cloud role {role} here: this cell hands out none"
    if manifest["kind"] == "Service" and manifest["spec"].get("type") in (
        "NodePort",
        "LoadBalancer",
    ):
        kind = manifest["spec"]["type"]
        yield f"{name} gets no {kind}: this cell has no nodes, its gateway serves public routes"


def _only_on_clusters(deployment: Manifest, name: str) -> Iterable[str]:
    beside = orjson.loads(annotation(deployment, EXTRA) or "{}")
    if beside:
        yield f"{name} goes without its extra {', '.join(beside)}: only a cluster can act on that"
    pod = deployment["spec"]["template"]["spec"]
    further = [each["name"] for each in (*pod["containers"][1:], *pod.get("initContainers", ()))]
    if further:
        yield f"{name} runs without {', '.join(further)}: this cell runs one container a replica"
