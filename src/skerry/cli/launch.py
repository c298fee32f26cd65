"""Starting the local server in the background, and waiting until it has gone."""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from skerry.cli.connection import Server
from skerry.cli.console import Console
from skerry.cli.target import find_target, is_alive, read_record, state_folder
from skerry.clock import SystemClock
from skerry.errors import ServerUnavailable, SkerryError

START_SECONDS: Final = 90.0  # a first start makes keys, networks and the gateway
STOP_SECONDS: Final = 60.0
TAIL_BYTES: Final = 4000


def ensure_server(console: Console) -> Server:
    """The server the environment names, or the local one, started when none answers.
    Raises ServerUnavailable with the end of its log when it does not start."""
    if os.environ.get("SKERRY_SERVER"):
        return Server(find_target())
    state = state_folder().absolute()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    if server := _answering(state):
        return server
    with _one_at_a_time(state):
        return _answering(state) or _start(state, console)


def wait_until_gone(pid: int | None) -> bool:
    """Whether the process ended, within a minute."""
    clock = SystemClock()
    deadline = clock.monotonic() + STOP_SECONDS
    while pid is not None and clock.monotonic() < deadline:
        if not is_alive(pid):
            return True
        time.sleep(0.05)
    return pid is None


def mark_ended(kept: Sequence[str]) -> None:
    """Remember that everything was taken down, and which volumes were kept."""
    (state_folder() / "ended").write_text("".join(f"{each}\n" for each in kept))


def ended_with() -> list[str] | None:
    """The volumes kept when everything was taken down; None when not all of it was."""
    try:
        return (state_folder() / "ended").read_text().splitlines()
    except OSError:
        return None


def log_tail(log: Path, *, start: int = 0) -> list[str]:
    """The last lines of a log, of those after `start` bytes."""
    try:
        with log.open("rb") as said:
            size = said.seek(0, os.SEEK_END)
            said.seek(max(start, size - TAIL_BYTES))
            return said.read().decode("utf-8", "replace").splitlines()[-15:]
    except OSError:
        return []


def _answering(state: Path) -> Server | None:
    if read_record(state) is None or not (target := find_target()).alive:
        return None
    server = Server(target)
    try:
        server.get("/healthz")
    except ServerUnavailable:
        server.close()
        return None
    return server


def _start(state: Path, console: Console) -> Server:
    log = state / "server.log"
    start = log.stat().st_size if log.exists() else 0
    console.say(f"starting the server (log: {log})")
    (state / "ended").unlink(missing_ok=True)
    process = _spawn(state, log)
    clock = SystemClock()
    began = said_at = clock.monotonic()
    while clock.monotonic() - began < START_SECONDS:
        if server := _answering(state):
            return server
        if process.poll() is not None:
            raise _unstarted(f"it ended with exit code {process.returncode}", log, start)
        if clock.monotonic() - said_at > 5:
            said_at = clock.monotonic()
            last = log_tail(log, start=start)[-1:] or ["nothing yet"]
            console.say(f"waiting for the server for {said_at - began:.0f}s; it says: {last[0]}")
        time.sleep(0.05)
    raise _unstarted(f"it did not answer within {START_SECONDS:.0f}s", log, start)


def _spawn(state: Path, log: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "SKERRY_STATE": str(state), "PYTHONUNBUFFERED": "1"}
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "skerry", "server"],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            cwd="/",
            env=environment,
        )
    except OSError as error:
        raise ServerUnavailable(
            f"cannot be started: {error.strerror}", subject="server", hint="skerry doctor"
        ) from error
    finally:
        os.close(descriptor)


def _unstarted(why: str, log: Path, start: int) -> SkerryError:
    said = "\n".join(f"  | {each}" for each in log_tail(log, start=start))
    cause = f"does not start: {why}" + (f"; the end of {log}:\n{said}" if said else "")
    return ServerUnavailable(cause, subject="server", hint="skerry doctor")


@contextmanager
def _one_at_a_time(state: Path) -> Iterator[None]:
    with (state / "launch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
