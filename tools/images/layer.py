"""Debian packages to one image layer: a tar, written from archives to archive."""

import io
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from tools.images.bytecode import compiled, is_source
from tools.images.recipes import APPLETS, Recipe, User

# Debian's merged /usr: packages still ship some files under the old names.
_MERGED = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
_LEFT_OUT = (
    "usr/share/doc/",
    "usr/share/info/",
    "usr/share/lintian/",
    "usr/share/locale/",
    "usr/share/man/",
    "usr/share/bug/",
    "usr/share/doc-base/",
    "usr/lib/systemd/",
    "etc/init.d/",
    "etc/logrotate.d/",
)
_KEPT = "/copyright"
_FOLDERS = {"proc": 0o555, "sys": 0o555, "dev": 0o755, "run": 0o755, "var": 0o755, "root": 0o700}
_CERTIFICATES = "usr/share/ca-certificates/"


def write_layer(recipe: Recipe, debs: Sequence[Path], target: IO[bytes]) -> None:
    """Write the layer of `recipe`: the same packages give the same bytes."""
    certificates: list[bytes] = []
    sources: dict[str, bytes] = {}
    with tarfile.open(fileobj=target, mode="w", format=tarfile.GNU_FORMAT) as layer:
        writer = _Writer(layer)
        for old, new in _MERGED.items():
            writer.folder(new, 0o755)
            writer.link(old, new)
        for name, mode in _FOLDERS.items():
            writer.folder(name, mode)
        writer.folder("tmp", 0o1777)
        for deb in debs:
            for member, content in _members(deb):
                writer.package_file(member, content)
                if content is not None and member.name.startswith(_CERTIFICATES):
                    certificates.append(content)
                if content is not None and is_source(member.name):
                    sources[member.name] = content
        for name, content in compiled(sources):
            writer.file(name, content)
        _write_accounts(writer, recipe.users)
        _write_certificates(writer, certificates)
        for applet in APPLETS:
            writer.link(f"usr/bin/{applet}", "busybox")


class _Writer:
    """Adds each path once; the first wins."""

    def __init__(self, layer: tarfile.TarFile) -> None:
        self._layer = layer
        self._written: set[str] = set(_MERGED)

    def package_file(self, member: tarfile.TarInfo, content: bytes | None) -> None:
        """A file as its package has it, at its place under the merged /usr."""
        if member.name.startswith(_LEFT_OUT) and not member.name.endswith(_KEPT):
            return
        self._add(member, content)

    def folder(self, name: str, mode: int, owner: int = 0) -> None:
        """A folder and those above it."""
        above = name.rpartition("/")[0]
        if above and above not in self._written:
            self.folder(above, 0o755)
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.uid, info.gid = tarfile.DIRTYPE, mode, owner, owner
        self._add(info, None)

    def file(self, name: str, content: bytes) -> None:
        """A file of our own, and the folders above it."""
        self.folder(name.rpartition("/")[0], 0o755)
        info = tarfile.TarInfo(name)
        info.mode, info.size = 0o644, len(content)
        self._add(info, content)

    def link(self, name: str, to: str) -> None:
        """A symbolic link."""
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, to
        if name in _MERGED:
            self._layer.addfile(info)
        else:
            self._add(info, None)

    def _add(self, member: tarfile.TarInfo, content: bytes | None) -> None:
        if member.name in self._written:
            return
        self._written.add(member.name)
        self._layer.addfile(member, io.BytesIO(content) if content is not None else None)


def _members(deb: Path) -> Iterator[tuple[tarfile.TarInfo, bytes | None]]:
    """What a package installs. `dpkg-deb` knows every compression packages come in."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as dpkg:
        with tarfile.open(fileobj=dpkg.stdout, mode="r|") as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isreg() else None
                member.name = _merged(member.name)
                if member.islnk():
                    member.linkname = _merged(member.linkname)
                if member.name:
                    yield member, stream.read() if stream else None
        dpkg.communicate()
    if dpkg.returncode != 0:
        raise ValueError(f"{deb} is damaged")


def _merged(name: str) -> str:
    name = name.removeprefix("./").strip("/")
    first, slash, rest = name.partition("/")
    return f"{_MERGED[first]}/{rest}" if slash and first in _MERGED else name.removeprefix(".")


def _write_certificates(writer: _Writer, certificates: Sequence[bytes]) -> None:
    if not certificates:
        return
    writer.folder("etc/ssl/certs", 0o755)
    writer.file("etc/ssl/certs/ca-certificates.crt", b"".join(sorted(certificates)))
    writer.folder("usr/lib/ssl", 0o755)
    writer.link("usr/lib/ssl/certs", "/etc/ssl/certs")
    writer.link("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt")


def _write_accounts(writer: _Writer, users: Sequence[User]) -> None:
    writer.folder("etc", 0o755)
    shell = "/bin/sh"
    passwd = [f"{u.name}:x:{u.number}:{u.number}:{u.name}:{u.home}:{shell}" for u in users]
    writer.file("etc/passwd", "".join(f"{line}\n" for line in passwd).encode())
    group = [f"{u.name}:x:{u.number}:\n" for u in users]
    writer.file("etc/group", "".join(group).encode())
    sources = "passwd: files\ngroup: files\nhosts: files dns\n"
    writer.file("etc/nsswitch.conf", sources.encode())
    for user in users:
        if user.number and user.home != "/nonexistent":
            writer.folder(user.home.lstrip("/"), 0o755, user.number)
