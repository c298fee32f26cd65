"""The state folder: everything one server keeps, and its identity."""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from skerry.errors import SkerryError, Unavailable
from skerry.integrations.store.once import create_once


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The state folder, opened: whose it is and where everything in it lies."""

    folder: Path
    instance: str  # 8 hexadecimal digits: labels all that this server makes

    @property
    def server_file(self) -> Path:
        """Where the running server is found: {"url", "pid", "version"}."""
        return self.folder / "server.json"

    @property
    def token_file(self) -> Path:
        """The admin token the command line on this machine uses."""
        return self.folder / "token"

    @property
    def key_file(self) -> Path:
        """What encrypts secrets."""
        return self.folder / "key"

    @property
    def gateway(self) -> Path:
        """The gateway's own folder."""
        return self.folder / "gateway"

    @property
    def log_file(self) -> Path:
        """What a server in the background says."""
        return self.folder / "server.log"


def open_folder(folder: Path) -> State:
    """Make the state folder (mode 0700) and give it its identity, or find both.

    Raises SkerryError where others may write into it, or for a damaged identity;
    Unavailable where the folder cannot be made or written.
    """
    try:
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
        _check_private(folder)
        written = create_once(folder / "instance", os.urandom(4).hex().encode() + b"\n")
    except OSError as error:
        raise Unavailable(
            f"cannot be used: {error.strerror}",
            subject=f"state/{folder}",
            hint=f"ls -ld {folder}; df -h {folder}; or set SKERRY_STATE to another folder",
        ) from error
    instance = written.decode("ascii", "replace").strip()
    if not re.fullmatch(r"[0-9a-f]{8}", instance):
        raise SkerryError(
            "should hold 8 hexadecimal digits",
            subject=f"state/{folder}/instance",
            hint=f"write back what label skerry.dev/instance of the containers says: "
            f"podman ps --format '{{{{.Labels}}}}', into {folder}/instance",
        )
    return State(folder=folder, instance=instance)


def _check_private(folder: Path) -> None:
    mode = folder.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SkerryError(
            f"others may write into it (mode {stat.S_IMODE(mode):04o})",
            subject=f"state/{folder}",
            hint=f"chmod 700 {folder}, or set SKERRY_STATE to a folder of Skerry's own",
        )
