"""Kubeconfig files for tests. JSON is YAML."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def kubeconfig(
    cluster: Mapping[str, Any], user: Mapping[str, Any], *, name: str = "test"
) -> dict[str, Any]:
    """One cluster, one user, one context, all of one name."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": dict(cluster)}],
        "users": [{"name": name, "user": dict(user)}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }


def write(file: Path, content: Mapping[str, Any]) -> Path:
    """The file, readable by its owner only."""
    file.write_text(json.dumps(content, indent=1))
    file.chmod(0o600)
    return file
