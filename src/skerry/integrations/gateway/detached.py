"""Processes that outlive the server: start, recognise, watch, end.

There is no pid file that could be stale: the process table says what runs, whoever started
it and however that ended.
"""

import asyncio
import logging
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from skerry.errors import GatewayUnavailable
from skerry.ports import Clock

log = logging.getLogger(__name__)

MOST_BACK_OFF = 5.0
# One that came up and ended is back within a second, however often that happens.
MOST_BACK_OFF_AFTER_LIFE = 0.3
# One that lived so long is replaced at once.
SETTLED_SECONDS = 10.0

# The shell raises the limit on open files as far as allowed, then becomes the program. Envoy
# asks the kernel for SIGTERM when its parent dies, and its parent must not be this server,
# which may be killed: so it waits until the shell that started it is gone and init its parent.
_LAUNCH = """
cd "$0" && ulimit -n "$(ulimit -Hn)" || exit 1
said=$1 && shift && umask 077
{
    while read -r _ _ _ parent _ </proc/self/stat; [ "$parent" = "$$" ]; do :; done
    exec "$@"
} >>"$said" 2>&1 &
echo $!
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process, as the process table has it."""

    pid: int
    started: int  # clock ticks since boot: tells apart two processes of one pid


def launch(folder: Path, command: Sequence[str], *, log_file: Path) -> Running:
    """Start a program in this folder that outlives this process; what it says goes to the
    log. Raises OSError."""
    started = subprocess.run(
        ["/bin/sh", "-c", _LAUNCH, str(folder), str(log_file), *command],
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
    return Running(pid=pid, started=start_time(pid) or 0)


def find(*marks: str) -> Iterator[tuple[Running, list[bytes]]]:
    """This user's processes that have each of the marks as an argument, and their arguments."""
    wanted = {mark.encode() for mark in marks}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        pid = int(entry.name)
        with suppress(OSError):
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if wanted <= set(arguments) and os.stat(f"/proc/{pid}").st_uid == os.getuid():
                started = start_time(pid)
                if started is not None:
                    yield Running(pid=pid, started=started), arguments


async def ended(process: Running) -> None:
    """Return when the process has ended, within a millisecond of it."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_reader(descriptor, over.set)
    try:
        if start_time(process.pid) in (process.started, None):
            await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        reap(process.pid)


async def end(process: Running, *, grace_seconds: float = 5.0) -> None:
    """Ask the process to end, and make it after the grace."""
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(grace_seconds):
            await ended(process)
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        await ended(process)


async def keep_alive(
    current: Running,
    again: Callable[[], Awaitable[Running]],
    *,
    lost: Callable[[str], None],
    clock: Clock,
) -> None:
    """Wait for its end, say so to `lost`, and have another started with `again`, for ever.
    The longer none starts, the longer the pauses between attempts."""
    back_off = 0.0
    while True:
        since = clock.monotonic()
        await ended(current)
        lost(f"process {current.pid} ended, starting another")
        settled = clock.monotonic() - since > SETTLED_SECONDS
        back_off = 0.0 if settled else min(back_off, MOST_BACK_OFF_AFTER_LIFE)
        while True:
            await clock.sleep(back_off)
            back_off = min(MOST_BACK_OFF, back_off * 2 + 0.1)
            try:
                current = await again()
                break
            except GatewayUnavailable as error:
                log.error("%s", error)
                lost(error.cause)


def alive(process: Running) -> bool:
    """Whether it still runs."""
    return start_time(process.pid) == process.started


def reap(pid: int) -> None:
    """Let go of a child that has ended; nothing if it was somebody else's."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def start_time(pid: int) -> int | None:
    """When it started; None for one that is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def last_line(path: Path) -> str:
    """The last thing a log says; empty when it says nothing."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


def cut(path: Path, *, most_bytes: int = 16 * 1024 * 1024) -> None:
    """Empty a log that is too long; it is appended to, so it may be cut under its writer."""
    with suppress(OSError):
        if path.stat().st_size > most_bytes:
            os.truncate(path, 0)
