"""The files Envoy watches: replaced by rename, and only when their content changes."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import orjson


class WatchedFile:
    """One file of resources, with the version it holds now."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._version = _read_version(path)
        self._held: list[bytes] | None = None

    @property
    def version(self) -> str:
        """A digest of what the file holds; empty when there is none, or a broken one."""
        return self._version

    def write(self, resources: Sequence[bytes], *, anyway: bool = False) -> bool:
        """Make the file hold exactly these, each in JSON. Says whether it was replaced;
        `anyway` replaces it even when nothing differs, so that Envoy reads it again."""
        held = list(resources)
        if held == self._held and not anyway:
            return False  # the same objects, mostly: compared without looking into them
        body = b"[" + b",".join(resources) + b"]"
        version = hashlib.sha256(body).hexdigest()[:16]
        changed = version != self._version or anyway
        if changed:
            content = b'{"version_info":"%s","resources":%s}' % (version.encode(), body)
            # Not forced to disk: after a power cut the file is written anew before it matters.
            replace(self.path, content, durable=False)
        self._version, self._held = version, held  # only now: a full disk may have said no
        return changed


def replace(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file so that a reader, or a crash, finds the old content or the new."""
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    os.replace(beside, path)


def _read_version(path: Path) -> str:
    try:
        content = path.read_bytes()
        orjson.loads(content)
    except (OSError, ValueError):
        return ""
    head, _, body = content.partition(b',"resources":')
    return hashlib.sha256(body[:-1]).hexdigest()[:16] if head else ""
