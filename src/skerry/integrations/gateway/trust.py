"""Makes this machine, and its browsers, believe the gateway's authority; and undoes it."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from skerry.errors import Refused

NAME = "skerry-local-authority"

Run = Callable[[Sequence[str]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemStore:
    """Where a family of distributions keeps what it trusts, and how it is told."""

    folder: str
    refresh: tuple[str, ...]


STORES = (
    SystemStore(  # Debian, Ubuntu
        folder="usr/local/share/ca-certificates", refresh=("update-ca-certificates",)
    ),
    SystemStore(  # Fedora, RHEL
        folder="etc/pki/ca-trust/source/anchors", refresh=("update-ca-trust", "extract")
    ),
)


def run_quietly(command: Sequence[str]) -> None:
    """Run a command. Raises Refused with what it said when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise Refused(f"{command[0]} failed: {said}", subject="authority")


def install(
    pem: str, *, home: Path, root: Path = Path("/"), run: Run = run_quietly
) -> tuple[str, ...]:
    """Trust the certificate here; doing it twice changes nothing. Returns a sentence for each
    store that took it.

    Raises Refused when the machine's store cannot be written, or is not one known here.
    """
    return (_install_in_system(pem, root, run), *_install_in_browsers(pem, home, run))


def remove(*, home: Path, root: Path = Path("/"), run: Run = run_quietly) -> tuple[str, ...]:
    """Trust it no longer. Returns a sentence for each store it was in."""
    said = []
    for store in STORES:
        path = root / store.folder / f"{NAME}.crt"
        if path.exists():
            _or_refuse(path.unlink)
            run(store.refresh)
            said.append(f"removed {path}")
    database = _browser_database(home)
    if database and _is_in(database, run):
        run(("certutil", "-d", database, "-D", "-n", NAME))
        said.append("removed from the browsers' store")
    return tuple(said)


def _install_in_system(pem: str, root: Path, run: Run) -> str:
    for store in STORES:
        folder = root / store.folder
        if folder.is_dir():
            path = folder / f"{NAME}.crt"
            if not path.exists() or path.read_text() != pem:
                _or_refuse(partial(path.write_text, pem))
                run(store.refresh)
            return f"this machine trusts it: {path}"
    raise Refused(
        "no store of trusted certificates that Skerry knows",
        subject="authority",
        hint="`skerry trust --print` prints the certificate for yours",
    )


def _install_in_browsers(pem: str, home: Path, run: Run) -> tuple[str, ...]:
    """Chromium and others read NSS databases; only `certutil` writes them."""
    database = _browser_database(home)
    if database is None:
        return ()
    file = home / ".pki" / f"{NAME}.pem"
    file.write_text(pem)
    try:
        if _is_in(database, run):
            run(("certutil", "-d", database, "-D", "-n", NAME))
        run(("certutil", "-d", database, "-A", "-t", "C,,", "-n", NAME, "-i", str(file)))
    finally:
        file.unlink()
    return ("browsers of this user trust it",)


def _browser_database(home: Path) -> str | None:
    folder = home / ".pki" / "nssdb"
    return f"sql:{folder}" if folder.is_dir() and shutil.which("certutil") else None


def _is_in(database: str, run: Run) -> bool:
    try:
        run(("certutil", "-d", database, "-L", "-n", NAME))
    except Refused:
        return False
    return True


def _or_refuse(act: Callable[[], object]) -> None:
    try:
        act()
    except OSError as error:
        again = "" if os.geteuid() == 0 else "run it with sudo, or "
        raise Refused(
            f"the machine's store of certificates cannot be written: {error}",
            subject="authority",
            hint=f"{again}`skerry trust --print` prints the certificate",
        ) from error
