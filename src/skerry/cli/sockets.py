"""WebSockets to a server: opened, and their refusals as the errors they say."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode

from skerry.cli.connection import Door, Server
from skerry.cli.failures import as_error
from skerry.errors import ServerUnavailable

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

    from skerry.cli.direct import Direct


@contextmanager
def open_socket(
    door: Door, path: str, query: Sequence[tuple[str, str]], *, broken: str
) -> Iterator["ClientConnection"]:
    """A WebSocket, closed at the end; without a server, what looks like one. Raises as the
    server says, or ServerUnavailable when it does not answer, or when the connection breaks
    (`broken` says what that means)."""
    if not isinstance(door, Server):
        from skerry.cli.direct_sockets import open_here

        with open_here(cast("Direct", door), path, query) as here:
            yield cast("ClientConnection", here)
        return
    from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
    from websockets.sync.client import connect

    url = door.target.url.replace("http", "ws", 1) + path
    headers = {"Authorization": f"Bearer {door.target.token}"}
    try:
        with connect(
            f"{url}?{urlencode(query)}",
            additional_headers=headers,
            max_size=None,
            compression=None,
            proxy=None,
        ) as socket:
            yield socket
    except InvalidStatus as error:
        raise _refused(error.response.body, error.response.status_code) from error
    except ConnectionClosed as error:
        raise _broken(path, broken) from error
    except (OSError, WebSocketException) as error:
        said = f"the server does not answer: {error}"
        raise _broken(door.target.url, said) from error


def _refused(body: bytes | bytearray | None, status: int) -> Exception:
    try:
        return as_error(json.loads(body or b"")["error"])
    except (ValueError, KeyError, TypeError):
        return _broken("server", f"answered {status}")


def _broken(subject: str, cause: str) -> ServerUnavailable:
    return ServerUnavailable(cause, subject=subject, hint="skerry status")
