"""What of the objects this engine cannot do, said before it is tried. Pure."""

from collections.abc import Iterable, Sequence

from skerry.engines.local.workload import depends_elsewhere
from skerry.model.objects import Manifest


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
