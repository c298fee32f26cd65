"""Kubernetes cells in the making, and looking at what was compiled for them."""

from typing import Any

from skerry.model.cell import Cell
from skerry.model.objects import Bundle, Manifest


def cluster(**fields: Any) -> Cell:
    """A Kubernetes cell with these fields, as they would be written in YAML."""
    return Cell.model_validate({"cell": "eu-1", "engine": "kubernetes", **fields})


def one(compiled: Bundle, kind: str) -> Manifest:
    """The one object of a kind."""
    (found,) = [each for each in compiled.objects if each["kind"] == kind]
    return found


def pod_of(compiled: Bundle) -> dict[str, Any]:
    """The replicas' pod spec."""
    spec: dict[str, Any] = one(compiled, "Deployment")["spec"]["template"]["spec"]
    return spec


def container_of(compiled: Bundle) -> dict[str, Any]:
    """The service's container."""
    container: dict[str, Any] = pod_of(compiled)["containers"][0]
    return container
