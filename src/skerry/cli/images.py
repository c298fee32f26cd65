"""`build:` folders: what is in them, the image's name from that, and the build itself."""

import hashlib
import os
import re
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from skerry.cli.connection import Door
from skerry.cli.console import Console
from skerry.cli.failures import as_error
from skerry.cli.ignore import parse_ignores
from skerry.errors import NotFound, ServerUnavailable
from skerry.report.lines import Piece, clean

CONTAINERFILES: Final = ("Containerfile", "Dockerfile")
IGNORE_FILES: Final = (".containerignore", ".dockerignore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A folder to build, and the name its image has. Equal contents, equal name."""

    folder: Path
    image: str
    containerfile: str
    paths: tuple[str, ...]


def look_at(folder: Path) -> Context:
    """A build folder's context. Raises NotFound without a Containerfile."""
    containerfile = next((name for name in CONTAINERFILES if (folder / name).is_file()), None)
    if containerfile is None:
        raise NotFound(
            "has no Containerfile",
            subject=str(folder),
            hint=f"write {folder / 'Containerfile'}, or use `image:` instead of `build:`",
        )
    paths = tuple(_walk(folder, containerfile))
    digest = hashlib.sha256(containerfile.encode())
    for path in paths:
        _add_digest(digest, folder, path)
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-") or "image"
    image = f"localhost/skerry/{name}:{digest.hexdigest()[:12]}"
    return Context(folder=folder, image=image, containerfile=containerfile, paths=paths)


def ensure_built(door: Door, contexts: Sequence[Context], console: Console) -> None:
    """Build what the server does not have. Raises DeployFailed with the build's last lines."""
    for context in {each.image: each for each in contexts}.values():
        if door.get("/v1/images", image=context.image)["here"]:
            continue
        console.say(Piece("build: ", "dim"), f"{context.folder} -> {context.image}")
        with tempfile.TemporaryFile() as packed:
            pack(context, packed)
            size = packed.tell()
            packed.seek(0)
            _build(door, context, upload=(packed, size), console=console)


def pack(context: Context, into: IO[bytes]) -> None:
    """Write the context as a tar stream: same contents, same bytes."""
    with tarfile.open(fileobj=into, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path in context.paths:
            archive.add(context.folder / path, arcname=path, recursive=False, filter=_plain)


def _build(
    door: Door, context: Context, *, upload: tuple[IO[bytes], int], console: Console
) -> None:
    query = {"image": context.image, "containerfile": context.containerfile}
    for event in door.stream("/v1/builds", query=query, upload=upload):
        if event.name == "line":
            console.say(Piece(f"  {context.folder.name} | {clean(event.data['text'])}", "dim"))
        elif event.name == "error":
            raise as_error(event.data.get("error", event.data))
        elif event.name == "done":
            return
    raise ServerUnavailable(
        "the server left in the middle of the build", subject=context.image, hint="skerry up"
    )


def _walk(folder: Path, containerfile: str) -> Iterator[str]:
    ignore_file = next((name for name in IGNORE_FILES if (folder / name).is_file()), None)
    ignored = parse_ignores((folder / ignore_file).read_text() if ignore_file else "")
    for here, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted([*files, *folders]):
            path = os.path.relpath(os.path.join(here, name), folder).replace(os.sep, "/")
            mode = os.lstat(os.path.join(here, name)).st_mode
            sent = stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)
            if sent and (path == containerfile or not ignored(path)):
                yield path


def _add_digest(digest: Any, folder: Path, path: str) -> None:
    whole = folder / path
    mode = whole.lstat().st_mode
    if stat.S_ISLNK(mode):
        said = b"link " + os.readlink(whole).encode()
    elif stat.S_ISDIR(mode):
        said = b"folder"
    else:
        kind = b"run " if mode & 0o100 else b"file "
        with whole.open("rb") as content:
            said = kind + hashlib.file_digest(content, "sha256").digest()
    digest.update(path.encode() + b"\0" + said + b"\0")


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry
