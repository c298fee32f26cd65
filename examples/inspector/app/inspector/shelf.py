"""The archives kept: files in one folder, named by what they are."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from inspector import settings
from inspector.faults import BadArchive
from inspector.jobs import is_id

_CHUNK = 1024 * 1024
_TAR_MAGIC = slice(257, 262)


class TooLarge(Exception):
    """More bytes than are taken."""


class Incoming(Protocol):
    """Bytes that arrive, in order; none at the end."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes."""


class Shelf:
    """Keeps archives under `folder`; `folder`/incoming is where people may put some by hand."""

    def __init__(self, folder: Path) -> None:
        self._kept = folder / "archives"
        self._arriving = folder / "arriving"
        self.incoming = folder / "incoming"
        for path in (self._kept, self._arriving, self.incoming):
            path.mkdir(parents=True, exist_ok=True)

    def sweep(self) -> None:
        """Forget what was arriving when the last process ended."""
        for path in self._arriving.iterdir():
            path.unlink()

    def put(self, arriving: Incoming) -> tuple[str, int]:
        """Keep an archive; its id and size. It is there whole, or not at all, and never in
        memory. Raises BadArchive, TooLarge, OSError (a full disk)."""
        handle, name = tempfile.mkstemp(dir=self._arriving)
        try:
            with os.fdopen(handle, "wb") as file:
                id, size = _copy(arriving, file.write)
                file.flush()
                os.fsync(file.fileno())
            Path(name).rename(self._kept / f"{id}.tar")
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return id, size

    def put_from(self, name: str) -> tuple[str, int]:
        """Keep a copy of a file in `incoming`. Raises FileNotFoundError as well, also for
        what lies elsewhere, however it is spelt."""
        path = (self.incoming / name).resolve()
        if not path.is_relative_to(self.incoming.resolve()) or not path.is_file():
            raise FileNotFoundError(name)
        with path.open("rb") as file:
            return self.put(file)

    def find(self, id: str) -> Path | None:
        """Where an archive is, if it is kept."""
        path = self._kept / f"{id}.tar"
        return path if is_id(id) and path.is_file() else None

    def ids(self) -> Iterator[tuple[str, int]]:
        """Every archive kept and its size, oldest first."""
        paths = sorted(self._kept.glob("*.tar"), key=lambda path: path.stat().st_mtime)
        return ((path.stem, path.stat().st_size) for path in paths)

    def drop(self, id: str) -> None:
        """Keep it no longer."""
        if path := self.find(id):
            path.unlink(missing_ok=True)

    def trim(self, may_go: Callable[[str], bool]) -> list[str]:
        """Make room: drop the oldest that may go until the rest fits."""
        held = list(self.ids())
        too_much = sum(size for _, size in held) - settings.KEEP_BYTES
        dropped = []
        for id, size in held:
            if too_much > 0 and may_go(id):
                self.drop(id)
                dropped.append(id)
                too_much -= size
        return dropped

    def room(self) -> int:
        """Bytes free on the disk."""
        return shutil.disk_usage(self._kept).free


def _copy(arriving: Incoming, write: Callable[[bytes], object]) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    while part := arriving.read(_CHUNK):
        if size == 0:
            _check_start(part)
        size += len(part)
        if size > settings.MAX_ARCHIVE_BYTES:
            raise TooLarge
        digest.update(part)
        write(part)
    if size == 0:
        raise BadArchive("nothing was sent")
    return digest.hexdigest(), size


def _check_start(part: bytes) -> None:
    """Say at once what is clearly not an archive."""
    if part.startswith(b"\x1f\x8b"):
        raise BadArchive("this is compressed with gzip: send it as it was saved, or gunzip it")
    if len(part) >= 512 and part[_TAR_MAGIC] != b"ustar":
        raise BadArchive(
            "this is not a tar archive: make one with "
            "`podman save --format oci-archive -o image.tar IMAGE`"
        )
