"""Image archives made for tests, in both formats, of whatever layers a test wants."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

Files = Mapping[str, bytes]


def layer(files: Files) -> bytes:
    """A layer with these files; a name that ends in a slash is a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name.rstrip("/"))
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def configuration(layers: Sequence[bytes], **settings: Any) -> dict[str, Any]:
    """A configuration that fits these layers: a step of history for each."""
    steps = [{"created_by": f"/bin/sh -c step-{at}"} for at in range(len(layers))]
    return {
        "os": "linux",
        "architecture": "amd64",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [digest(one) for one in layers]},
        "history": [{"created_by": "/bin/sh -c #(nop) ENV A=b", "empty_layer": True}, *steps],
    }


def oci(layers: Sequence[bytes], *, packed: bool = True, **settings: Any) -> dict[str, bytes]:
    """The files of an OCI archive, for a test to spoil before `archive` packs them."""
    config = json.dumps(configuration(layers, **settings)).encode()
    blobs = [gzip.compress(one, mtime=0) if packed else one for one in layers]
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "config": {"digest": digest(config), "size": len(config)},
            "layers": [{"digest": digest(one), "size": len(one)} for one in blobs],
        }
    ).encode()
    name = {"org.opencontainers.image.ref.name": "shop/web:1"}
    index = {"manifests": [{"digest": digest(manifest), "annotations": name}]}
    return {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": json.dumps(index).encode(),
        **{f"blobs/{digest(one).replace(':', '/')}": one for one in (manifest, config, *blobs)},
    }


def docker(layers: Sequence[bytes], **settings: Any) -> dict[str, bytes]:
    """The same as `docker save` and `podman save` without a format write it."""
    config = json.dumps(configuration(layers, **settings)).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    paths = [f"{hashlib.sha256(one).hexdigest()}.tar" for one in layers]
    manifest = [{"Config": name, "RepoTags": ["shop/web:1"], "Layers": paths}]
    packed = dict(zip(paths, layers, strict=True))
    return {"manifest.json": json.dumps(manifest).encode(), name: config, **packed}


def archive(files: Files) -> bytes:
    """The archive itself."""
    return layer(files)


def digest(content: bytes) -> str:
    """As images name things."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
