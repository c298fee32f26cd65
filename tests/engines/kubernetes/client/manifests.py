"""Objects for the client's tests."""

from typing import Any


def config(namespace: str, name: str = "settings", **data: str) -> dict[str, Any]:
    """A ConfigMap that a test can find again."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": {"test": "yes"}},
        "data": data,
    }
