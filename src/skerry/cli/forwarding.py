"""Connections to a port of this machine, carried to a replica: a WebSocket each."""

import json
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from skerry.cli.connection import Door, service_path
from skerry.cli.failures import as_error
from skerry.cli.sockets import open_socket
from skerry.errors import Refused, SkerryError

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

LOOPBACK: Final = "127.0.0.1"
QUIET_SECONDS: Final = 2.0
"""A program that has sent all may still read: so long after the last byte it is let go. The
way to the replica cannot be told that one direction has ended."""
_CHUNK: Final = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is forwarded: a port of a service, in a cell where it is in several."""

    name: str
    port: int
    cell: str | None = None
    replica: str | None = None

    def query(self) -> Sequence[tuple[str, str]]:
        """As the server takes it."""
        given = (("port", str(self.port)), ("cell", self.cell), ("replica", self.replica))
        return [(key, value) for key, value in given if value is not None]


def listen(port: int, *, wanted: Wanted) -> socket.socket:
    """A listener on loopback alone; at a free port for 0. Raises Refused for one that is
    taken."""
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as error:
        raise Refused(
            f"port {port} of this machine cannot be had: {error.strerror or error}",
            subject=wanted.name,
            hint=f"skerry forward {wanted.name} 0:{wanted.port} (takes a free one)",
        ) from error


def serve(
    listener: socket.socket, door: Door, wanted: Wanted, *, failed: Callable[[SkerryError], None]
) -> None:
    """Every connection that comes, each for itself, until interrupted. What goes wrong with
    one is told, and the others go on."""
    while True:
        carried = _Carried(listener.accept()[0], failed)
        threading.Thread(target=carried.run, args=(door, wanted), daemon=True).start()


class _Carried:
    """One connection. The program here is read in a thread of its own."""

    def __init__(self, connection: socket.socket, failed: Callable[[SkerryError], None]) -> None:
        self._connection = connection
        self._failed = failed
        self._ended = threading.Event()
        self._heard = threading.Event()

    def run(self, door: Door, wanted: Wanted) -> None:
        """Until either side hangs up."""
        path = service_path(wanted.name, "forward")
        broken = "the connection broke on its way to the replica"
        try:
            with open_socket(door, path, wanted.query(), broken=broken) as tunnel:
                threading.Thread(target=self._send, args=(tunnel,), daemon=True).start()
                self._receive(tunnel)
        except SkerryError as error:
            self._failed(error)
        except OSError:
            return  # the program here left
        finally:
            self._ended.set()
            with suppress(OSError):  # closing alone leaves it open while it is read
                self._connection.shutdown(socket.SHUT_RDWR)
            self._connection.close()

    def _send(self, tunnel: "ClientConnection") -> None:
        from websockets.exceptions import ConnectionClosed

        with suppress(OSError, ConnectionClosed):
            while data := self._connection.recv(_CHUNK):
                tunnel.send(data)
        self._heard.set()
        while self._heard.is_set() and not self._ended.is_set():
            self._heard.clear()
            self._ended.wait(QUIET_SECONDS)
        with suppress(OSError, ConnectionClosed):
            tunnel.close()

    def _receive(self, tunnel: "ClientConnection") -> None:
        for frame in tunnel:
            self._heard.set()
            if isinstance(frame, bytes):
                self._connection.sendall(frame)
                continue
            said: dict[str, Any] = json.loads(frame)
            if "error" in said:
                raise as_error(said["error"])
