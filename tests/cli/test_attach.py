"""`exec` and `run` against a WebSocket that speaks as the server does."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from tests.cli.terminals import start
from tests.cli.views import service, status

Container = Callable[[ServerConnection], None]


class Attachable:
    """A server whose one container is a function."""

    def __init__(self) -> None:
        self.container: Container = lambda _socket: None
        self.query: dict[str, list[str]] = {}
        self.path = ""
        self.url = ""

    def talk(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        assert socket.request.headers["Authorization"] == "Bearer let-me-in"
        parts = urlsplit(socket.request.path)
        self.path, self.query = parts.path, parse_qs(parts.query)
        self.container(socket)

    def plain(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/healthz":
            return connection.respond(HTTPStatus.OK, json.dumps({"version": "0.1.0"}))
        if request.path == "/v1/status":
            return connection.respond(HTTPStatus.OK, json.dumps(status(service("web"))))
        if request.path.partition("?")[0].endswith("/default/web"):
            return connection.respond(HTTPStatus.OK, json.dumps(service("web")))
        if "/web/" not in request.path:
            said = {"error": {"code": "not_found", "subject": "", "cause": "none", "hint": ""}}
            return connection.respond(HTTPStatus.NOT_FOUND, json.dumps(said))
        return None


@pytest.fixture
def attachable(monkeypatch: pytest.MonkeyPatch) -> Iterator[Attachable]:
    made = Attachable()
    with serve(made.talk, "127.0.0.1", 0, process_request=made.plain) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        made.url = f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        monkeypatch.setenv("SKERRY_SERVER", made.url)
        monkeypatch.setenv("SKERRY_TOKEN", "let-me-in")
        yield made
        server.shutdown()
        thread.join()


def skerry(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "skerry", *arguments],
        input=given,
        capture_output=True,
        check=False,
        env=os.environ,
        timeout=30,
    )


def test_output_is_split_and_the_exit_code_passed_on(attachable: Attachable) -> None:
    def container(socket: ServerConnection) -> None:
        assert json.loads(socket.recv()) == {"eof": True}
        socket.send(b"\x01to out\n")
        socket.send(b"\x02to err\n")
        socket.send(json.dumps({"exit": 7}))

    attachable.container = container
    ended = skerry("exec", "web", "--replica", "web-a", "--", "ls", "-l", "/srv")
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, b"to out\n", b"to err\n")
    assert attachable.path == "/v1/services/default/web/exec"
    assert attachable.query == {"command": ["ls", "-l", "/srv"], "replica": ["web-a"]}


def test_standard_input_is_carried_to_its_end(attachable: Attachable) -> None:
    def cat(socket: ServerConnection) -> None:
        for frame in socket:
            if isinstance(frame, str):
                socket.send(json.dumps({"exit": 0}))
                return
            socket.send(b"\x01" + frame)

    attachable.container = cat
    given = os.urandom(300_000)
    ended = skerry("run", "-i", "web", "--", "cat", given=given)
    assert ended.returncode == 0
    assert ended.stdout == given
    assert attachable.path == "/v1/services/default/web/run"


def test_a_terminal_is_raw_and_its_size_is_told(attachable: Attachable) -> None:
    frames: list[str | bytes] = []

    def shell(socket: ServerConnection) -> None:
        socket.send(b"\x01$ ")
        for frame in socket:
            frames.append(frame)
            if frame[-1:] == b"\x04":
                socket.send(json.dumps({"exit": 5}))
                return

    attachable.container = shell
    terminal = start("exec", "-it", "web", "--", "sh")
    terminal.until("$ ")
    terminal.type("\x03")
    terminal.type("\x04")
    code, shown = terminal.end()
    assert code == 5
    assert json.loads(frames[0]) == {"resize": [24, 80]}
    assert b"".join(each for each in frames if isinstance(each, bytes)) == b"\x03\x04"
    assert "^C" not in shown
    assert attachable.query["tty"] == ["true"]


def test_an_error_in_the_conversation_is_said(attachable: Attachable) -> None:
    said = {"code": "conflict", "subject": "web", "cause": "no replica runs", "hint": ""}
    attachable.container = lambda socket: socket.send(json.dumps({"error": said}))
    ended = skerry("exec", "web", "--", "ls")
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"error: web: no replica runs\n")


def test_a_connection_that_breaks_is_not_taken_for_success(attachable: Attachable) -> None:
    attachable.container = lambda socket: socket.close()
    ended = skerry("exec", "web", "--", "ls")
    assert ended.returncode == 1
    assert b"before the command" in ended.stderr


def test_a_wrong_name_suggests_the_nearest(attachable: Attachable) -> None:
    ended = skerry("exec", "wbe", "--", "ls")
    assert ended.returncode == 1
    assert b"did you mean web?" in ended.stderr


def test_a_terminal_that_is_not_there_cannot_be_given(attachable: Attachable) -> None:
    ended = skerry("exec", "-t", "web", "--", "ls")
    assert ended.returncode == 1
    assert b"leave -t out" in ended.stderr
