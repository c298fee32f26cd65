"""Every file of every layer: what takes the space, and what nobody can see any more.

A file is wasted when a later layer replaces or removes it: it is still downloaded and kept
by everybody, and no container ever sees it.
"""

import heapq
import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from inspector.archive import Archive, Layer, tar_members
from inspector.faults import BadArchive
from inspector.inspection import commands
from inspector.reading import Forward, Gunzipped, Hashed, Source

MAX_FILES = 500_000
MAX_UNPACKED = 32 * 2**30
MAX_LAYERS = 500
LARGEST = 20
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


@dataclass(slots=True)
class Measured:
    """One layer, measured."""

    packed: int = 0
    unpacked: int = 0
    files: int = 0
    wasted: int = 0
    removed: int = 0
    largest: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Tree:
    """The file system as built so far: each file's size and the layer it came with."""

    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    children: dict[str, set[str]] = field(default_factory=dict)

    def put(self, path: str, size: int, layer: int) -> tuple[int, int] | None:
        """Add a file; returns the one it replaces."""
        before = self.files.get(path)
        if before is None:
            self._adopt(path)
        self.files[path] = (size, layer)
        return before

    def clear(self, path: str, *, below: int) -> list[tuple[int, int]]:
        """Remove a path and all under it that came with a layer before `below`."""
        gone = []
        waiting = [path]
        while waiting:
            name = waiting.pop()
            waiting.extend(f"{name}/{child}".lstrip("/") for child in self.children.get(name, ()))
            if name in self.files and self.files[name][1] < below:
                gone.append(self.files.pop(name))
        return gone

    def _adopt(self, path: str) -> None:
        while path:
            folder, name = posixpath.split(path)
            names = self.children.setdefault(folder, set())
            if name in names:
                return
            names.add(name)
            path = folder


def measure(archive: Archive, *, beat: Callable[[], None]) -> dict[str, Any]:
    """Sizes of an image, layer by layer. `beat` is called all along. Raises BadArchive."""
    image = archive.image()
    if len(image.layers) > MAX_LAYERS:
        raise BadArchive(f"it has {len(image.layers)} layers; at most {MAX_LAYERS} can be read")
    tree = _Tree()
    measured: list[Measured] = []
    for number, layer in enumerate(image.layers):
        measured.append(Measured(packed=archive.size_of(layer.path)))
        _walk(archive, layer, tree=tree, measured=measured, beat=beat)
        _check_total(measured)
        measured[number].largest.sort(reverse=True)
    return _result(image.layers, measured, commands(image))


def _result(
    layers: tuple[Layer, ...], measured: list[Measured], made_by: list[str]
) -> dict[str, Any]:
    largest = heapq.nlargest(
        LARGEST,
        ((size, path, at) for at, one in enumerate(measured) for size, path in one.largest),
    )
    return {
        "packed": sum(one.packed for one in measured),
        "unpacked": sum(one.unpacked for one in measured),
        "wasted": sum(one.wasted for one in measured),
        "files": sum(one.files for one in measured),
        "largest": [{"path": path, "bytes": size, "layer": at} for size, path, at in largest],
        "layers": [
            {
                "digest": layer.digest or layer.diff_id,
                "command": command,
                "packed": one.packed,
                "unpacked": one.unpacked,
                "files": one.files,
                "wasted": one.wasted,
                "removed": one.removed,
                "largest": [{"path": path, "bytes": size} for size, path in one.largest[:5]],
            }
            for layer, one, command in zip(layers, measured, made_by, strict=True)
        ],
    }


def _walk(
    archive: Archive,
    layer: Layer,
    *,
    tree: _Tree,
    measured: list[Measured],
    beat: Callable[[], None],
) -> None:
    """Read one layer to its end, and check that it is what it says."""
    packed = Hashed(archive.open(layer.path), _algorithm(layer.digest))
    unpacked = Hashed(_unpacked(packed), _algorithm(layer.diff_id))
    forward = Forward(unpacked, limit=MAX_UNPACKED, beat=beat)
    number = len(measured) - 1
    for info in tar_members(forward):
        measured[number].files += 1
        if sum(one.files for one in measured) > MAX_FILES:
            raise BadArchive(f"it holds more than {MAX_FILES} files")
        path = posixpath.normpath(f"/{info.name}").lstrip("/")
        _record(path, info.size if info.isreg() else 0, info.isdir(), tree=tree, measured=measured)
    forward.drain()
    packed.drain()
    for said, found in ((layer.digest, packed), (layer.diff_id, unpacked)):
        if said and said != found.digest():
            raise BadArchive(f"{layer.path} is not what its digest says: it is {found.digest()}")


def _record(
    path: str, size: int, is_folder: bool, *, tree: _Tree, measured: list[Measured]
) -> None:
    number = len(measured) - 1
    folder, name = posixpath.split(path)
    if name == _OPAQUE:
        gone = tree.clear(folder, below=number)
    elif name.startswith(_WHITEOUT):
        gone = tree.clear(posixpath.join(folder, name[len(_WHITEOUT) :]), below=number)
    elif is_folder:
        return
    else:
        before = tree.put(path, size, number)
        _wasted([before] if before else [], measured)
        measured[number].unpacked += size
        _keep_largest(measured[number].largest, size, path)
        return
    measured[number].removed += len(gone)
    _wasted(gone, measured)


def _wasted(gone: list[tuple[int, int]], measured: list[Measured]) -> None:
    """Charge each file that vanished to the layer that brought it."""
    for size, layer in gone:
        measured[layer].wasted += size


def _keep_largest(largest: list[tuple[int, str]], size: int, path: str) -> None:
    if len(largest) < LARGEST:
        heapq.heappush(largest, (size, path))
    elif size > largest[0][0]:
        heapq.heapreplace(largest, (size, path))


def _check_total(measured: list[Measured]) -> None:
    if sum(one.unpacked for one in measured) > MAX_UNPACKED:
        raise BadArchive(f"it unpacks to more than {MAX_UNPACKED // 2**30} GiB")


def _unpacked(packed: Source) -> Source:
    """By what the bytes are, whatever the manifest calls them."""
    peeked = Peeked(packed)
    if peeked.start.startswith(_GZIP):
        return Gunzipped(peeked)
    if peeked.start.startswith(_ZSTD):
        raise BadArchive(
            "its layers are compressed with zstd, which is not read here: save it with "
            "`podman save --format oci-archive` from the local storage"
        )
    return peeked


class Peeked:
    """A source whose first bytes are known before they are read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.start = source.read(4)
        self._left = self.start

    def read(self, size: int = -1, /) -> bytes:
        """As the source."""
        if not self._left:
            return self._source.read(size)
        size = len(self._left) if size < 0 else size
        part, self._left = self._left[:size], self._left[size:]
        return part


def _algorithm(digest: str | None) -> str:
    return "sha512" if (digest or "").startswith("sha512:") else "sha256"
