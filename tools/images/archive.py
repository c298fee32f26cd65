"""An image archive as `podman load` and `docker load` take it: a layer and a configuration."""

import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path

from tools.images.recipes import Recipe

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
_EPOCH = "1970-01-01T00:00:00Z"


def write_archive(recipe: Recipe, layer: Path, *, tags: tuple[str, ...], target: Path) -> None:
    """Write the image of `recipe` with this layer under these names."""
    config = json.dumps(_configuration(recipe, _digest(layer)), sort_keys=True).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": list(tags), "Layers": ["layer.tar"]}]
    with tarfile.open(target, "w") as archive:
        _add(archive, "manifest.json", json.dumps(manifest).encode())
        _add(archive, name, config)
        archive.add(layer, "layer.tar")


def _configuration(recipe: Recipe, diff_id: str) -> dict[str, object]:
    made_by = f"skerry base image {recipe.name}: {' '.join(recipe.packages)}"
    env = [f"PATH={_PATH}", *(f"{key}={value}" for key, value in recipe.env.items())]
    return {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "created": _EPOCH,
        "config": {"Env": env, "Cmd": list(recipe.command), "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": _EPOCH, "created_by": made_by}],
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))
