"""The machine's limits: inotify instances and open files."""

import os
import resource
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from skerry.model.process import Check

NEEDED_INSTANCES: Final = 4
"""What a gateway takes: one for each file Envoy watches, and one to spare."""
FEW_INSTANCES: Final = 16
FEW_FILES: Final = 4096


def look_at_limits(*, proc: Path = Path("/proc"), files: int | None = None) -> Iterable[Check]:
    """What the machine gives one user, and how much of it is left. `files` is the hard limit
    of open files, this process's own without it."""
    if (instances := _instances(proc)) is not None:
        yield instances
    yield _files(resource.getrlimit(resource.RLIMIT_NOFILE)[1] if files is None else files)


def _instances(proc: Path) -> Check | None:
    try:
        most = int((proc / "sys/fs/inotify/max_user_instances").read_text())
    except (OSError, ValueError):
        return None
    used = _used(proc)
    left = most - used
    ok = left >= FEW_INSTANCES
    return Check(
        name="inotify",
        ok=ok,
        stops=left < NEEDED_INSTANCES,
        message=f"{used} of {most} instances used; the gateway takes {NEEDED_INSTANCES - 1}",
        hint="" if ok else "sysctl -w fs.inotify.max_user_instances=1024",
    )


def _used(proc: Path) -> int:
    """Instances of this user, in processes that may be looked into: those are its own."""
    count = 0
    mine = os.geteuid()
    for process in proc.iterdir():
        with suppress(OSError):
            if process.name.isdigit() and process.stat().st_uid == mine:
                count += sum(_is_inotify(each) for each in (process / "fd").iterdir())
    return count


def _is_inotify(descriptor: Path) -> bool:
    with suppress(OSError):
        return os.readlink(descriptor) == "anon_inode:inotify"
    return False


def _files(most: int) -> Check:
    if most == resource.RLIM_INFINITY:
        return Check(name="open files", ok=True, message="no limit")
    ok = most >= FEW_FILES
    return Check(
        name="open files",
        ok=ok,
        stops=False,
        message=f"{most} at most: about {most * 2 // 5} connections at once",
        hint="" if ok else "ulimit -Hn 65536, or LimitNOFILE=65536 in the unit; then skerry up",
    )
