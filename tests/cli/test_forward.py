"""`skerry forward` against a WebSocket that speaks as the server does."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.sync.server import ServerConnection

from tests.cli.test_attach import Attachable, attachable, skerry

__all__ = ["attachable"]


@contextmanager
def forwarding(*ports: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command, and the port it listens at."""
    command = [sys.executable, "-m", "skerry", "forward", "web", *ports]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        try:
            assert process.stdout
            said = process.stdout.readline()
            assert said, process.stderr and process.stderr.read()
            host, _, port = said.strip().partition(":")
            assert host == "127.0.0.1"
            yield process, int(port)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)


def echo(tunnel: ServerConnection) -> None:
    for frame in tunnel:
        tunnel.send(frame)


def test_bytes_go_there_and_back_on_many_connections(attachable: Attachable) -> None:
    attachable.container = echo
    with forwarding("0:8080") as (process, port):
        connections = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(5)]
        for number, each in enumerate(connections):
            each.sendall(b"%d" % number * 100_000)
        for number, each in enumerate(connections):
            assert _read(each, 100_000) == b"%d" % number * 100_000
            each.close()
    assert attachable.path == "/v1/services/default/web/forward"
    assert attachable.query == {"port": ["8080"]}
    assert process.returncode == 130


def test_an_answer_after_all_was_sent_still_arrives(attachable: Attachable) -> None:
    def slow(tunnel: ServerConnection) -> None:
        asked = tunnel.recv()
        assert isinstance(asked, bytes)
        tunnel.send(b"answer to " + asked)

    attachable.container = slow
    with forwarding("0:8080") as (_, port), socket.create_connection(("127.0.0.1", port)) as here:
        here.sendall(b"it")
        here.shutdown(socket.SHUT_WR)
        assert _read(here, 100) == b"answer to it"


def test_what_goes_wrong_with_one_connection_is_told_and_the_next_may_do(
    attachable: Attachable,
) -> None:
    said = {"code": "conflict", "subject": "replica/web-1:1", "cause": "refused", "hint": ""}

    def refuse(tunnel: ServerConnection) -> None:
        tunnel.send(json.dumps({"error": said}))

    attachable.container = refuse
    with forwarding("0:8080") as (process, port):
        with socket.create_connection(("127.0.0.1", port)) as here:
            assert _read(here, 10) == b""
        attachable.container = echo
        with socket.create_connection(("127.0.0.1", port)) as here:
            here.sendall(b"ping")
            assert _read(here, 4) == b"ping"
        process.send_signal(signal.SIGINT)
        process.wait(10)
        assert process.stderr
        told = process.stderr.read()
    assert "leads to port 8080 of web" in told
    assert "error: replica/web-1:1: refused" in told


def test_a_port_that_is_taken_is_refused_with_the_way_out(attachable: Attachable) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = skerry("forward", "web", f"{port}:8080")
    assert ended.returncode == 1
    assert b"skerry forward web 0:8080" in ended.stderr


@pytest.mark.parametrize("ports", ["http", "80:", "8080:0", "70000", "1:2:3"])
def test_what_is_no_port_is_a_usage_error(ports: str) -> None:
    ended = skerry("forward", "web", ports)
    assert ended.returncode == 2
    assert b"18080:8080" in ended.stderr


def test_a_name_that_is_nearly_right_is_suggested(attachable: Attachable) -> None:
    ended = skerry("forward", "wbe", "8080")
    assert ended.returncode == 1
    assert b"did you mean web?" in ended.stderr


def _read(connection: socket.socket, count: int) -> bytes:
    connection.settimeout(10)
    came = b""
    while len(came) < count and (data := connection.recv(65536)):
        came += data
    return came
