"""Where a machine keeps the authorities it trusts, and putting ours there."""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

from skerry.errors import Refused


class Anchors(NamedTuple):
    """A system's folder of trusted authorities, and the command that takes it up."""

    folder: Path
    command: tuple[str, ...]


SYSTEMS: Final = (
    Anchors(Path("/usr/local/share/ca-certificates"), ("update-ca-certificates",)),
    Anchors(Path("/etc/pki/ca-trust/source/anchors"), ("update-ca-trust", "extract")),
    Anchors(Path("/etc/ca-certificates/trust-source/anchors"), ("trust", "extract-compat")),
)


def find_anchors(systems: tuple[Anchors, ...] = SYSTEMS) -> Anchors:
    """This machine's. Raises Refused with the way out where there is none we know."""
    for each in systems:
        if each.folder.parent.is_dir() and shutil.which(each.command[0]):
            return each
    raise Refused(
        "this system's store of trusted authorities is not one Skerry knows",
        subject="trust",
        hint="skerry trust --print > skerry-ca.pem, and import that file",
    )


def install(pem: str, state: Path, anchors: Anchors) -> Path:
    """Put the authority among the trusted. Raises Refused without the right to."""
    file = anchors.folder / _name(pem)
    try:
        anchors.folder.mkdir(parents=True, exist_ok=True)
        file.write_text(pem)
    except PermissionError as error:
        raise Refused(
            "may not be written by you", subject=str(file), hint=_as_root("trust", state)
        ) from error
    _record(state).write_text(str(file))
    _take_up(anchors)
    return file


def remove(state: Path, anchors: Anchors) -> Path | None:
    """Take it out again; None when it was not there."""
    file = installed(state)
    if file is None:
        return None
    try:
        file.unlink()
    except PermissionError as error:
        raise Refused(
            "may not be removed by you", subject=str(file), hint=_as_root("trust --remove", state)
        ) from error
    _record(state).unlink(missing_ok=True)
    _take_up(anchors)
    return file


def installed(state: Path) -> Path | None:
    """The file `skerry trust` has put among the trusted, if it is still there."""
    try:
        file = Path(_record(state).read_text().strip())
    except OSError:
        return None
    return file if file.is_file() else None


def _as_root(command: str, state: Path) -> str:
    program = shlex.quote(str(Path(sys.argv[0]).absolute()))
    return f"sudo SKERRY_STATE={shlex.quote(str(state))} {program} {command}"


def _record(state: Path) -> Path:
    return state / "trusted"


def _name(pem: str) -> str:
    return f"skerry-{hashlib.sha256(pem.encode()).hexdigest()[:12]}.crt"


def _take_up(anchors: Anchors) -> None:
    done = subprocess.run(
        anchors.command, capture_output=True, text=True, check=False, env={**os.environ}
    )
    if done.returncode != 0:
        raise Refused(
            f"{' '.join(anchors.command)} failed: {done.stderr.strip() or done.stdout.strip()}",
            subject=str(anchors.folder),
            hint=" ".join(("sudo", *anchors.command)),
        )
