"""The state folder: whose it is, and whether there is room."""

import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from skerry.model.process import Check

LITTLE_BYTES: Final = 1 << 30
NO_BYTES: Final = 100 << 20
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def look_at_folder(folder: Path, *, free: int | None = None) -> Iterable[Check]:
    """The state folder and its key, and the free bytes of its disk (`free`, for tests)."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if there != folder:
        yield _unmade(folder, there)
    else:
        yield _folder(folder)
        yield from _key(folder / "key")
    yield _room(there, shutil.disk_usage(there).free if free is None else free)


def _unmade(folder: Path, there: Path) -> Check:
    ok = os.access(there, os.W_OK | os.X_OK)
    said = f"{folder} will be made" if ok else f"{folder} cannot be made in {there}"
    hint = "" if ok else "export SKERRY_STATE=/a/folder/of/yours"
    return Check(name="state folder", ok=ok, message=said, hint=hint)


def _folder(folder: Path) -> Check:
    mode = folder.stat().st_mode
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        said, hint = f"{folder} cannot be written", f"chown {os.geteuid()} {folder}"
        return Check(name="state folder", ok=False, message=said, hint=hint)
    if mode & _OTHERS:
        said = f"{folder} is open to others (mode {stat.S_IMODE(mode):04o})"
        # A server refuses to start on a folder others may write into.
        writable = bool(mode & (stat.S_IWGRP | stat.S_IWOTH))
        hint = f"chmod 700 {folder}"
        return Check(name="state folder", ok=False, stops=writable, message=said, hint=hint)
    return Check(name="state folder", ok=True, message=f"{folder} is this user's alone")


def _key(key: Path) -> Iterable[Check]:
    if not key.exists():
        return
    found = key.stat()
    closed = not found.st_mode & _OTHERS
    mine = found.st_uid == os.geteuid()
    if closed and mine:
        yield Check(name="secrets key", ok=True, message=f"{key} is this user's alone")
    elif not closed:
        said = f"{key} is open to others (mode {stat.S_IMODE(found.st_mode):04o})"
        yield Check(name="secrets key", ok=False, message=said, hint=f"chmod 600 {key}")
    else:
        said, hint = f"{key} belongs to somebody else", f"chown {os.geteuid()} {key}"
        yield Check(name="secrets key", ok=False, message=said, hint=hint)


def _room(folder: Path, free: int) -> Check:
    ok = free >= LITTLE_BYTES
    return Check(
        name="disk",
        ok=ok,
        stops=free < NO_BYTES,
        message=f"{free / 2**30:.1f} GiB free in {folder}",
        hint="" if ok else f"df -h {folder}; podman image prune, or docker image prune",
    )
