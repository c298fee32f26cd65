"""The server: one process, one state folder, found through `server.json`."""

import asyncio
import fcntl
import gc
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from skerry.api.app import create_app
from skerry.api.release import VERSION
from skerry.errors import Conflict, Refused, ServerUnavailable
from skerry.integrations.store.folder import State
from skerry.integrations.store.once import replace_whole
from skerry.settings import Settings, open_state
from skerry.wiring.server import open_server

log = logging.getLogger(__name__)
# A plan of ten thousand services makes millions of objects that stay until it is done: looked
# through again and again at Python's own thresholds, they cost as much as the plan itself.
_COLLECTIONS: Final = (100_000, 50, 100)
GRACE_SECONDS: Final = 3  # streams end, answers finish; operations are taken up again


def run(settings: Settings) -> None:
    """Serve until told to stop by SIGTERM, Ctrl-C or POST /v1/stop. Services and the gateway
    go on. Raises Conflict when a server already runs on the state folder, Refused when its
    port is taken."""
    _open_log(settings)
    gc.set_threshold(*_COLLECTIONS)
    state = open_state(settings)
    with _alone(state), _listening(settings) as listener:
        asyncio.run(_serve(settings, state, listener))


async def _serve(settings: Settings, state: State, listener: socket.socket) -> None:
    async with open_server(settings, state, listening=_url(listener)) as (fleet, standing):
        server: _Server

        def stop() -> None:
            server.should_exit = True

        config = uvicorn.Config(
            create_app(fleet, standing=standing, stop=stop),
            log_config=None,
            access_log=False,  # a query may hold a command, and a command anything
            server_header=False,
            date_header=False,
            lifespan="off",
            loop="asyncio",
            timeout_graceful_shutdown=GRACE_SECONDS,
            ws="websockets-sansio",
        )
        server = _Server(config, state=state, url=_url(listener))
        # Uvicorn raises the signal that ended it once more: what was opened is closed first.
        signal.signal(signal.SIGTERM, lambda *_: None)
        await server.serve(sockets=[listener])


class _Server(uvicorn.Server):
    """Says where it is once it listens, and no more once it does not."""

    def __init__(self, config: uvicorn.Config, *, state: State, url: str) -> None:
        super().__init__(config)
        self._state = state
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        said = {"url": self._url, "pid": os.getpid(), "version": VERSION}
        replace_whole(self._state.server_file, json.dumps(said).encode() + b"\n")
        log.info("skerry %s listens at %s", VERSION, self._url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._state.server_file.unlink(missing_ok=True)
        log.info("stopping; services and the gateway go on")
        await super().shutdown(sockets)


@contextmanager
def _alone(state: State) -> Iterator[None]:
    """The only server on this state folder. The lock goes with the process, however it ends."""
    path = state.folder / "lock"
    handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(handle, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(handle)
        raise Conflict(
            f"another server, process {holder}, already runs on it",
            subject=f"state/{state.folder}",
            hint="skerry server stop, or set SKERRY_STATE to another folder",
        ) from error
    try:
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        os.close(handle)


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """A socket at the address of the settings. Bound before anything else is opened, so that
    a port that is taken costs nothing."""
    family = socket.AF_INET6 if ":" in settings.listen else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.listen, settings.port))
    except OSError as error:
        listener.close()
        raise _unbound(settings, error) from error
    with listener:
        yield listener


def _unbound(settings: Settings, error: OSError) -> ServerUnavailable | Refused:
    where = f"{settings.listen}:{settings.port}"
    if isinstance(error, PermissionError):
        return Refused(
            "needs root", subject=f"port/{settings.port}", hint="SKERRY_LISTEN_PORT=7575"
        )
    return ServerUnavailable(
        f"cannot listen on {where}: {(error.strerror or str(error)).lower()}",
        subject=f"port/{settings.port}",
        hint=f"see who does: ss -ltnp 'sport = :{settings.port}'; or set SKERRY_LISTEN_PORT",
    )


def _url(listener: socket.socket) -> str:
    """How the command line on this machine reaches it."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _open_log(settings: Settings) -> None:
    logging.basicConfig(
        level=settings.log_level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    for chatty in ("aiodocker", "uvicorn.error", "asyncio", "aiohttp", "alembic"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.root.level))
