"""Image archives, `podman save` in either format: found, verified, never unpacked."""

import hashlib
import json
import posixpath
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from inspector.faults import BadArchive
from inspector.reading import Forward, Source

MAX_MEMBERS = 100_000
_MAX_JSON = 8 * 2**20
_MAX_DEPTH = 4
_DIGEST = re.compile(r"(sha256):([a-f0-9]{64})|(sha512):([a-f0-9]{128})")
_TARGET = ("amd64", "arm64")


class Seekable(Protocol):
    """A file that can be read anywhere."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes from here."""

    def seek(self, to: int, /) -> object:
        """Go there, from the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer as the image names it. `digest` is of the bytes in the archive, `diff_id` of
    those bytes unpacked; a Docker archive only has the latter."""

    path: str
    digest: str | None
    diff_id: str | None
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image of an archive."""

    format: str
    digest: str
    names: tuple[str, ...]
    config: Mapping[str, Any]
    layers: tuple[Layer, ...]
    platforms: tuple[str, ...]


class Archive:
    """An archive's index. Raises BadArchive for what is not one, and says what it is."""

    def __init__(self, file: Seekable, *, size: int, beat: Callable[[], None]) -> None:
        self._file = file
        self._size = size
        self._members = dict(_members(file, size, beat))
        if not self._members:
            raise BadArchive("it holds nothing: not an image archive")

    def image(self) -> Image:
        """The image in it: the first, or of several platforms the one most likely meant."""
        if "index.json" in self._members:
            return self._oci()
        if "manifest.json" in self._members:
            return self._docker()
        raise BadArchive(
            "it has neither index.json nor manifest.json: not an image archive as "
            "`podman save` or `docker save` writes them"
        )

    def size_of(self, path: str) -> int:
        """How many bytes a file in it has."""
        return self._find(path)[1]

    def open(self, path: str) -> Source:
        """A file in it, as bytes in order."""
        start, size = self._find(path)
        return _Window(self._file, start, size)

    def _oci(self) -> Image:
        index = _mapping(self._json("index.json"), "index.json")
        platforms = tuple(sorted(set(self._platforms(index))))
        entry = self._chosen(index, depth=0)
        manifest = self._blob_json(entry)
        config = self._blob_json(_mapping(manifest.get("config"), "the manifest's config"))
        diff_ids = _strings(_mapping(config.get("rootfs", {}), "rootfs").get("diff_ids", []))
        entries = _entries(manifest.get("layers"), "the manifest's layers")
        if diff_ids and len(diff_ids) != len(entries):
            raise BadArchive(f"{len(entries)} layers, but the configuration has {len(diff_ids)}")
        layers = tuple(
            Layer(
                path=_blob_path(layer),
                digest=str(layer["digest"]),
                diff_id=diff_ids[at] if diff_ids else None,
                media_type=str(layer.get("mediaType", "")),
            )
            for at, layer in enumerate(entries)
        )
        return Image(
            format="oci",
            digest=str(entry["digest"]),
            names=_names(index),
            config=config,
            layers=layers,
            platforms=platforms,
        )

    def _docker(self) -> Image:
        manifests = self._json("manifest.json")
        entry = _entries(manifests, "manifest.json")[0]
        path = str(entry.get("Config", ""))
        content = self._read(path)
        found = f"sha256:{hashlib.sha256(content).hexdigest()}"
        named = posixpath.basename(path).removesuffix(".json")
        if re.fullmatch(r"[a-f0-9]{64}", named) and found != f"sha256:{named}":
            raise BadArchive(f"{path} does not have the digest it is named by: {found}")
        config = _mapping(_parsed(path, content), path)
        diff_ids = _strings(_mapping(config.get("rootfs", {}), "rootfs").get("diff_ids", []))
        paths = _strings(entry.get("Layers", []))
        if len(diff_ids) != len(paths):
            raise BadArchive(f"{len(paths)} layers, but the configuration has {len(diff_ids)}")
        layers = tuple(
            Layer(path=layer, digest=None, diff_id=diff_id, media_type="docker")
            for layer, diff_id in zip(paths, diff_ids, strict=True)
        )
        names = tuple(_strings(entry.get("RepoTags") or []))
        return Image(
            format="docker",
            digest=found,
            names=names,
            config=config,
            layers=layers,
            platforms=(platform_of(config),),
        )

    def _chosen(self, index: Mapping[str, Any], *, depth: int) -> Mapping[str, Any]:
        """The manifest meant: down through indexes, past attestations."""
        if depth > _MAX_DEPTH:
            raise BadArchive("its indexes point to each other")
        entries = _entries(index.get("manifests"), "index.json's manifests")
        real = [entry for entry in entries if _platform_name(entry) != "unknown/unknown"] or entries
        ranked = sorted(real, key=_preference)
        entry = ranked[0]
        if "index" in str(entry.get("mediaType")) or "manifest.list" in str(entry.get("mediaType")):
            return self._chosen(self._blob_json(entry), depth=depth + 1)
        return entry

    def _platforms(self, index: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
        for entry in _entries(index.get("manifests"), "index.json's manifests"):
            name = _platform_name(entry)
            if "index" in str(entry.get("mediaType")) and depth < _MAX_DEPTH:
                yield from self._platforms(self._blob_json(entry), depth + 1)
            elif name and name != "unknown/unknown":
                yield name

    def _blob_json(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        path = _blob_path(entry)
        content = self._read(path)
        algorithm = str(entry["digest"]).partition(":")[0]
        found = f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
        if found != entry["digest"]:
            raise BadArchive(f"{path} is not what its digest says: it is {found}")
        return _mapping(_parsed(path, content), path)

    def _json(self, path: str) -> Any:
        return _parsed(path, self._read(path))

    def _read(self, path: str) -> bytes:
        start, size = self._find(path)
        if size > _MAX_JSON:
            raise BadArchive(f"{path} has {size} bytes; no real one has more than {_MAX_JSON}")
        window = _Window(self._file, start, size)
        content = b""
        while part := window.read(_MAX_JSON):
            content += part
        return content

    def _find(self, path: str) -> tuple[int, int]:
        """Where a file's bytes start, and how many there are. Docker links equal layers."""
        name = posixpath.normpath(path)
        for _ in range(_MAX_DEPTH):
            member = self._members.get(name)
            if member is None:
                raise BadArchive(f"{path} is missing: the archive is truncated or incomplete")
            if not member.linkname:
                if member.start + member.size > self._size:
                    raise BadArchive(f"{path} is cut off: the archive is truncated")
                return member.start, member.size
            name = member.linkname
        raise BadArchive(f"{path} is a link to itself")


@dataclass(frozen=True, slots=True)
class _Member:
    start: int
    size: int
    linkname: str = ""


class _Window:
    """A part of a file, as bytes in order."""

    def __init__(self, file: Seekable, start: int, size: int) -> None:
        self._file = file
        self._at = start
        self._end = start + size

    def read(self, size: int = -1, /) -> bytes:
        left = self._end - self._at
        wanted = left if size < 0 else min(size, left)
        if wanted <= 0:
            return b""
        self._file.seek(self._at)
        part = self._file.read(wanted)
        if not part:
            raise BadArchive("the archive is truncated")
        self._at += len(part)
        return part


class _Skipping(Forward):
    """Forward over a file that can jump."""

    def __init__(self, file: Seekable, size: int, beat: Callable[[], None]) -> None:
        super().__init__(file, limit=size, beat=beat)
        self._file = file
        self._size = size

    def seek(self, to: int, whence: int = 0) -> int:
        """Jump forward, not past the end."""
        if whence != 0 or to < self._at:
            raise BadArchive("a tar header points backwards")
        self._at = min(to, self._size)
        self._file.seek(self._at)
        return self._at


def _members(file: Seekable, size: int, beat: Callable[[], None]) -> Iterator[tuple[str, _Member]]:
    file.seek(0)
    for count, info in enumerate(tar_members(_Skipping(file, size, beat))):
        if count > MAX_MEMBERS:
            raise BadArchive(f"it holds more than {MAX_MEMBERS} files: no image archive does")
        name = posixpath.normpath(info.name).lstrip("/")
        if info.isreg():
            yield name, _Member(info.offset_data, info.size)
        elif info.issym():
            target = posixpath.join(posixpath.dirname(name), info.linkname)
            yield name, _Member(0, 0, posixpath.normpath(target))
        elif info.islnk():
            yield name, _Member(0, 0, posixpath.normpath(info.linkname))


def tar_members(file: Forward) -> Iterator[tarfile.TarInfo]:
    """The members of a tar, one at a time, none remembered. Raises BadArchive."""
    try:
        with tarfile.open(fileobj=file, mode="r:", errorlevel=0) as tar:  # type: ignore[call-overload]
            while (info := tar.next()) is not None:
                tar.members = []
                if info.size < 0:
                    raise BadArchive("a file in it has less than no bytes")
                yield info
    except (tarfile.TarError, ArithmeticError, EOFError, LookupError, ValueError) as error:
        if "unexpected end" in str(error):
            raise BadArchive("it is truncated: it ends in the middle of a file") from error
        raise BadArchive(f"it is not a tar archive, or a damaged one: {error}") from error


def platform_of(config: Mapping[str, Any]) -> str:
    """`linux/amd64`, `linux/arm/v7`."""
    parts = (config.get("os"), config.get("architecture"), config.get("variant"))
    return "/".join(str(part) for part in parts if part)


def _platform_name(entry: Mapping[str, Any]) -> str:
    platform = entry.get("platform")
    return platform_of(platform) if isinstance(platform, dict) else ""


def _preference(entry: Mapping[str, Any]) -> int:
    name = _platform_name(entry)
    wanted = [f"linux/{architecture}" for architecture in _TARGET]
    return next((at for at, start in enumerate(wanted) if name.startswith(start)), len(wanted))


def _blob_path(entry: Mapping[str, Any]) -> str:
    digest = entry.get("digest")
    found = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
    if found is None:
        raise BadArchive(f"{str(digest)[:100]!r} is not a digest, as sha256:<64 hex digits>")
    return f"blobs/{found[1] or found[3]}/{found[2] or found[4]}"


def _names(index: Mapping[str, Any]) -> tuple[str, ...]:
    keys = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
    found: dict[str, None] = {}
    for entry in _entries(index.get("manifests"), "index.json's manifests"):
        notes = entry.get("annotations")
        said = [notes[key] for key in keys if key in notes] if isinstance(notes, dict) else []
        found.update(dict.fromkeys(str(name) for name in said[:1]))
    return tuple(found)


def _parsed(path: str, content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadArchive(f"{path} is not JSON: {error}") from error


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadArchive(f"{what} should be an object")
    return value


def _entries(value: Any, what: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise BadArchive(f"{what} should be a list of objects")
    if not value and "layers" not in what:
        raise BadArchive(f"{what} is empty: there is no image in it")
    return value


def _strings(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise BadArchive("a list of texts was expected")
    return value
