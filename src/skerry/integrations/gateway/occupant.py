"""Who has a port that the gateway wants."""

import errno
import os
import socket
from contextlib import suppress
from pathlib import Path

from skerry.errors import GatewayUnavailable
from skerry.model.proxy import Address


def check_free(address: Address, *, setting: str) -> None:
    """Raises GatewayUnavailable, naming who listens there and the setting to change.

    Asked before Envoy is: Envoy's sockets may share a port with another Envoy's, and each
    would get a part of the requests.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address.host, address.port))
            trial.listen(1)
        except OSError as error:
            raise GatewayUnavailable(
                _cause(address, error),
                subject="gateway",
                hint=f"end it, or set another port: `{setting}:` in the cell document",
            ) from error


def _cause(address: Address, error: OSError) -> str:
    where = f"port {address.port} on {address.host}"
    if error.errno == errno.EACCES:
        return f"{where} needs root"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is taken by {_occupant(address.port) or 'another process'}"
    return f"cannot listen at {where}: {error.strerror}"


def _occupant(port: int) -> str | None:
    """The process that listens on the port, as `name (pid 123)`."""
    inodes = {f"socket:[{inode}]" for inode in _listening(port)}
    if not inodes:
        return None
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if _holds(f"/proc/{pid}/fd", inodes):
            with suppress(OSError):
                return f"{Path(f'/proc/{pid}/comm').read_text().strip()} (pid {pid})"
    return None


def _listening(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found


def _holds(descriptors: str, inodes: set[str]) -> bool:
    with suppress(OSError):
        for name in os.listdir(descriptors):
            with suppress(OSError):
                if os.readlink(f"{descriptors}/{name}") in inodes:
                    return True
    return False
