"""A PostgreSQL server of the test's own, on a Unix socket in a temporary folder."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def binaries() -> Path | None:
    """Where the server's programs are: in Debian's place, or on the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    found = [*debian, *(Path(path) for path in [shutil.which("initdb")] if path)]
    return found[0].parent if found else None


@contextmanager
def running_server(programs: Path) -> Iterator[str]:
    """Start one and stop it in the end; gives the socket's folder. User `skerry` may all."""
    # Its own user when we are root: the server refuses to run as root.
    user = _plain_user()
    folder = Path(tempfile.mkdtemp(prefix="skerry-pg-"))
    if user is not None:
        shutil.chown(folder, user)
    data = folder / "data"
    initdb: list[str | Path] = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        "skerry",
        "--auth=trust",
        "--no-sync",
    ]
    initdb += ["--encoding=UTF8", "--locale=C"]
    options: list[str | Path] = ["-c", "listen_addresses=", "-c", "fsync=off", "-k", folder]
    try:
        subprocess.run(initdb, check=True, capture_output=True, user=user, cwd=folder)
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *options],
                user=user,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        try:
            _wait_until_ready(programs, folder)
            yield str(folder)
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _plain_user() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _wait_until_ready(programs: Path, folder: Path) -> None:
    ready: list[str | Path] = [
        programs / "pg_isready",
        "-h",
        folder,
        "-U",
        "skerry",
        "-d",
        "postgres",
        "-t",
        "1",
    ]
    for _ in range(200):
        if subprocess.run(ready, capture_output=True).returncode == 0:
            return
        subprocess.run(["sleep", "0.05"], check=True)
    raise AssertionError((folder / "log").read_text(errors="replace"))
