"""Secrets as the cluster gets them: the only place where a value is put into an object."""

from base64 import b64encode

from skerry.model.objects import SECRET_REF, Manifest
from skerry.ports import Secrets


async def filled(manifest: Manifest, secrets: Secrets) -> Manifest:
    """The compiled Secret with the values its annotations refer to; other objects as they are.
    Raises NotFound with the command that sets one."""
    if manifest["kind"] != "Secret":
        return manifest
    annotations = manifest["metadata"].get("annotations") or {}
    data = dict(manifest.get("data") or {})
    for name, reference in annotations.items():
        if name.startswith(SECRET_REF):
            value = await secrets.resolve(reference)
            data[name.removeprefix(SECRET_REF)] = b64encode(value.reveal().encode()).decode()
    return {**manifest, "data": data}
