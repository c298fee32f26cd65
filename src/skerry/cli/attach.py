"""A process in a container, attached to this terminal over a WebSocket."""

import json
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skerry.cli import terminal
from skerry.cli.codes import INTERRUPTED
from skerry.cli.connection import Door, service_path
from skerry.cli.failures import as_error
from skerry.cli.sockets import open_socket
from skerry.errors import ServerUnavailable

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What is to run: by `exec` in a replica, or by `run` in a container of its own."""

    verb: str
    command: Sequence[str]
    tty: bool
    interactive: bool
    replica: str | None = None
    cell: str | None = None

    def query(self) -> list[tuple[str, str]]:
        """As the server takes it."""
        query = [("command", each) for each in self.command]
        query += [("tty", "true")] if self.tty else []
        query += [("replica", self.replica)] if self.replica else []
        return query + ([("cell", self.cell)] if self.cell else [])


def attach(door: Door, name: str, process: Process) -> int:
    """Run a process for a service; returns the process's exit code. Raises as the server
    says, or ServerUnavailable when the connection breaks."""
    path = service_path(name, process.verb)
    broken = "the connection broke before the command ended"
    try:
        with open_socket(door, path, process.query(), broken=broken) as socket:
            return _converse(socket, tty=process.tty, interactive=process.interactive)
    except KeyboardInterrupt:
        return INTERRUPTED


def _converse(socket: "ClientConnection", *, tty: bool, interactive: bool) -> int:
    with ExitStack() as stack:
        resize_descriptor = None
        if tty and sys.stdin.isatty():
            stack.enter_context(terminal.raw())
            resize_descriptor = stack.enter_context(terminal.resizes())
            _tell_size(socket)
        if interactive:
            threading.Thread(
                target=_send_input, args=(socket, resize_descriptor), daemon=True
            ).start()
        else:
            _send_text(socket, {"eof": True})
        return _receive(socket)


def _receive(socket: "ClientConnection") -> int:
    for frame in socket:
        if isinstance(frame, bytes):
            descriptor = 2 if frame[:1] == b"\x02" else 1
            _write(descriptor, frame[1:])
            continue
        said: dict[str, Any] = json.loads(frame)
        if "error" in said:
            raise as_error(said["error"])
        if "exit" in said:
            return int(said["exit"])
    raise ServerUnavailable(
        "the connection ended before the command did", subject="server", hint="skerry status"
    )


def _send_input(socket: "ClientConnection", resize_descriptor: int | None) -> None:
    from websockets.exceptions import WebSocketException

    def send(data: bytes) -> None:
        if data:
            socket.send(data)
        else:
            _send_text(socket, {"eof": True})

    try:
        terminal.carry_input(send, lambda: _tell_size(socket), resize_descriptor=resize_descriptor)
    except (OSError, ValueError, WebSocketException):
        return  # the conversation is over: whoever receives says how it ended


def _tell_size(socket: "ClientConnection") -> None:
    _send_text(socket, {"resize": terminal.size()})


def _send_text(socket: "ClientConnection", said: dict[str, Any]) -> None:
    from websockets.exceptions import ConnectionClosed

    with suppress(ConnectionClosed):  # the other side may be done: what it said is still to read
        socket.send(json.dumps(said))


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
