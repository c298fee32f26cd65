"""`exec` and `run`: a process somebody is attached to, over a WebSocket; and `forward`.

Client to server: binary frames are its input; text frames are JSON, `{"resize": [rows,
columns]}` or `{"eof": true}`. Server to client: binary frames, the first byte 1 for output
and 2 for errors; at last a text frame, `{"exit": code}` or `{"error": {...}}`.

`forward`: binary frames are the bytes of one connection, both ways; a text frame at the end is
`{"error": {...}}`. Either side ends it by closing.
"""

from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect

from skerry.api.routes.parts import Cells, Changer, Service
from skerry.errors import SkerryError
from skerry.loops import Tasks
from skerry.model.process import Stream
from skerry.operations import everywhere
from skerry.operations.reach import exec_in, run_beside
from skerry.operations.reach import forward as open_tunnel
from skerry.ports import Session, Tunnel
from skerry.report.views import error_body

router = APIRouter(prefix="/v1/services/{namespace}/{name}", tags=["processes"])
Command = Annotated[list[str], Query(min_length=1, max_length=1000)]
_MARKS: Final = {Stream.STDOUT: b"\x01", Stream.STDERR: b"\x02"}


@router.websocket("/exec")
async def exec_(
    socket: WebSocket,
    asker: Changer,
    service: Service,
    *,
    cells: Cells,
    command: Command,
    tty: bool = False,
    replica: Annotated[str | None, Query(max_length=200)] = None,
) -> None:
    """A command inside a running replica."""
    platform = await everywhere.home(asker.fleet, service, cells=cells)
    session = await exec_in(platform, service, command, tty=tty, replica=replica)
    await _converse(socket, session)


@router.websocket("/run")
async def run(
    socket: WebSocket,
    asker: Changer,
    service: Service,
    *,
    cells: Cells,
    command: Command,
    tty: bool = False,
) -> None:
    """A command in a container of its own, removed when it ends or the client leaves."""
    platform = await everywhere.home(asker.fleet, service, cells=cells)
    session = await run_beside(platform, service, command, tty=tty)
    await _converse(socket, session)


@router.websocket("/forward")
async def forward(
    socket: WebSocket,
    asker: Changer,
    service: Service,
    *,
    cells: Cells,
    port: Annotated[int | None, Query(ge=1, le=65535)] = None,
    replica: Annotated[str | None, Query(max_length=200)] = None,
) -> None:
    """One connection to a port of a running replica; the service's own without one."""
    platform = await everywhere.home(asker.fleet, service, cells=cells)
    tunnel = await open_tunnel(platform, service, port, replica=replica)
    await _carry(socket, tunnel)


async def _carry(socket: WebSocket, tunnel: Tunnel) -> None:
    tasks = Tasks()
    try:
        await socket.accept()
        tasks.spawn(_send_on(socket, tunnel), name="a forwarded connection")
        try:
            async for data in tunnel.read():
                await socket.send_bytes(data)
        except SkerryError as error:
            said = {"error": error_body(error)}
            await socket.send_text(orjson.dumps(said).decode())
        await socket.close()
    except (WebSocketDisconnect, RuntimeError):
        pass  # the client left
    finally:
        await tasks.close()
        await tunnel.close()


async def _send_on(socket: WebSocket, tunnel: Tunnel) -> None:
    """The client's bytes to the replica. When the client leaves, the connection ends."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            await tunnel.close()
            return
        if data := message.get("bytes"):
            try:
                await tunnel.write(data)
            except OSError:
                return  # the replica hung up: reading says so


async def _converse(socket: WebSocket, session: Session) -> None:
    tasks = Tasks()
    try:
        await socket.accept()
        tasks.spawn(_listen(socket, session), name="input of a process")
        try:
            async for chunk in session.output():
                await socket.send_bytes(_MARKS[chunk.stream] + chunk.data)
            said: object = {"exit": await session.wait()}
        except SkerryError as error:
            said = {"error": error_body(error)}
        await socket.send_text(orjson.dumps(said).decode())
        await socket.close()
    except (WebSocketDisconnect, RuntimeError):
        pass  # the client left: so does the process
    finally:
        await tasks.close()
        await session.close()


async def _listen(socket: WebSocket, session: Session) -> None:
    """The client's frames to the process. When the client leaves, the process ends, and so
    does its output."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            await session.close()
            return
        if data := message.get("bytes"):
            await session.write(data)
        elif text := message.get("text"):
            await _steer(session, text)


async def _steer(session: Session, text: str) -> None:
    try:
        said = orjson.loads(text)
        if said.get("eof"):
            await session.write(b"")
        elif "resize" in said:
            rows, columns = (min(max(int(each), 1), 10_000) for each in said["resize"])
            await session.resize(rows, columns)
    except (ValueError, TypeError, AttributeError):
        return  # no frame of ours: a terminal's size is not worth ending a process for
