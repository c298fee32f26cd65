"""The whole inspector as processes on this machine: sent, worked on, killed, stopped."""

import contextlib
import hashlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.examples.archives import archive, docker, layer, oci
from tests.examples.conftest import APP, free_port, wait_for

BASE = layer({"etc/motd": b"hello"})
TOP = layer({"etc/motd": b"changed"})
IMAGE = archive(oci([BASE, TOP], Labels={"team": "shop"}))


class Inspector:
    """The api and its workers, each a process."""

    def __init__(self, folder: Path, redis_port: int) -> None:
        self.folder = folder
        self.port = free_port()
        self.env = {
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(redis_port),
            "API_URL": f"http://127.0.0.1:{self.port}",
            "PORT": str(self.port),
            "DATA": str(folder),
            "LEASE_SECONDS": "1",
            "MAX_ARCHIVE_MIB": "64",
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, module: str, **env: str) -> subprocess.Popen[bytes]:
        """Run one of its services."""
        log = (self.folder / f"{module}.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", f"inspector.{module}"],
            cwd=APP,
            env={**os.environ, **self.env, **env},
            stdout=log,
            stderr=log,
        )
        log.close()
        self.processes.append(process)
        if module == "api":
            wait_for(lambda: self._healthy())
        return process

    def stop(self) -> None:
        """End whatever still runs."""
        for process in self.processes:
            process.kill()
            process.wait(10)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """One request; status and parsed answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            chunked = hasattr(body, "__next__")
            connection.request(method, path, body, headers, encode_chunked=chunked)
            answer = connection.getresponse()
            content = answer.read()
            is_json = answer.headers["Content-Type"] == "application/json"
            return answer.status, json.loads(content) if is_json else content

    def log(self, module: str) -> list[dict[str, Any]]:
        """The events one of them wrote."""
        text = (self.folder / f"{module}.log").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def finished(self, id: str) -> dict[str, Any]:
        """What is known once both parts have ended."""

        def look() -> dict[str, Any] | None:
            _, image = self.ask("GET", f"/images/{id}")
            ended = all(image[part]["state"] in ("done", "failed") for part in ("inspect", "size"))
            return image if ended else None

        found: dict[str, Any] = wait_for(look)
        return found

    def _healthy(self) -> bool:
        with contextlib.suppress(OSError):
            return self.ask("GET", "/healthz")[0] == 200
        return False


@pytest.fixture
def inspector(tmp_path: Path, redis_port: int) -> Iterator[Inspector]:
    running = Inspector(tmp_path / "data", redis_port)
    running.folder.mkdir()
    try:
        yield running
    finally:
        running.stop()


def test_an_archive_is_inspected_and_sized_and_then_answered_from_the_cache(
    inspector: Inspector,
) -> None:
    for module in ("api", "inspecting", "sizing"):
        inspector.start(module)
    status, sent = inspector.ask("POST", "/archives?name=web.tar", IMAGE)
    assert (status, sent["cached"]) == (202, False)
    image = inspector.finished(sent["id"])
    assert image["inspect"]["result"]["labels"] == {"team": "shop"}
    assert image["size"]["result"]["wasted"] == 5
    assert inspector.ask("POST", "/archives", IMAGE)[1]["cached"]


def test_an_archive_may_come_in_chunks(inspector: Inspector) -> None:
    inspector.start("api")
    chunks = iter([IMAGE[:700], IMAGE[700:2000], IMAGE[2000:]])
    status, sent = inspector.ask("POST", "/archives", chunks, **{"Transfer-Encoding": "chunked"})
    assert (status, sent["bytes"]) == (202, len(IMAGE))


def test_a_file_on_the_volume_is_taken_by_its_path_and_nothing_outside_is(
    inspector: Inspector,
) -> None:
    inspector.start("api")
    (inspector.folder / "incoming" / "web.tar").write_bytes(IMAGE)
    (inspector.folder / "secret.tar").write_bytes(IMAGE)
    (inspector.folder / "incoming" / "link.tar").symlink_to(inspector.folder / "secret.tar")
    assert inspector.ask("POST", "/archives?path=web.tar")[0] == 202
    for path in ("../secret.tar", "/etc/passwd", "link.tar", "none.tar", "."):
        assert inspector.ask("POST", f"/archives?path={path}")[0] == 404, path


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 422, "nothing was sent"),
        (b"\x1f\x8b" + b"x" * 600, 422, "gzip"),
        (b"not a tar" * 100, 422, "not a tar archive"),
    ],
)
def test_what_is_clearly_no_archive_is_refused_at_once(
    inspector: Inspector, body: bytes, status: int, said: str
) -> None:
    inspector.start("api")
    answered, problem = inspector.ask("POST", "/archives", body)
    assert answered == status
    assert said in problem["error"]
    assert not list((inspector.folder / "arriving").iterdir())


def test_more_than_is_taken_is_refused_before_and_while_it_is_sent(inspector: Inspector) -> None:
    inspector.start("api", MAX_ARCHIVE_MIB="1")
    declared, _ = inspector.ask("POST", "/archives", b"", **{"Content-Length": str(2 << 20)})
    assert declared == 413
    with contextlib.suppress(ConnectionError, BrokenPipeError):
        chunks = iter([archive({"big": bytes(1 << 20)}), bytes(1 << 20)])
        status, _ = inspector.ask("POST", "/archives", chunks, **{"Transfer-Encoding": "chunked"})
        assert status == 413
    wait_for(lambda: not list((inspector.folder / "arriving").iterdir()))


def test_a_damaged_archive_fails_with_a_sentence_and_the_workers_live_on(
    inspector: Inspector,
) -> None:
    for module in ("api", "inspecting", "sizing"):
        inspector.start(module)
    _, bad = inspector.ask("POST", "/archives", IMAGE[:2000])
    image = inspector.finished(bad["id"])
    assert image["inspect"]["state"] == image["size"]["state"] == "failed"
    assert "truncated" in image["size"]["error"]
    _, good = inspector.ask("POST", "/archives", archive(docker([BASE])))
    assert inspector.finished(good["id"])["size"]["state"] == "done"


def test_a_client_that_leaves_in_the_middle_leaves_nothing(inspector: Inspector) -> None:
    inspector.start("api")
    with socket.create_connection(("127.0.0.1", inspector.port)) as client:
        client.sendall(b"POST /archives HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n")
        client.sendall(IMAGE[:3000])
        wait_for(lambda: list((inspector.folder / "arriving").iterdir()))
    wait_for(lambda: not list((inspector.folder / "arriving").iterdir()))
    assert inspector.ask("GET", "/images")[1] == {"images": []}


def test_an_archive_is_served_by_range(inspector: Inspector) -> None:
    inspector.start("api")
    _, sent = inspector.ask("POST", "/archives", IMAGE)
    path = f"/archives/{sent['id']}"
    assert inspector.ask("GET", path) == (200, IMAGE)
    assert inspector.ask("GET", path, Range="bytes=100-199") == (206, IMAGE[100:200])
    assert inspector.ask("GET", path, Range="bytes=999999999-")[0] == 416
    assert inspector.ask("GET", "/archives/..%2f..%2fetc%2fpasswd")[0] == 404


def test_events_tell_every_change_until_the_end(inspector: Inspector) -> None:
    inspector.start("api")
    _, sent = inspector.ask("POST", "/archives", IMAGE)
    connection = http.client.HTTPConnection("127.0.0.1", inspector.port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", f"/images/{sent['id']}/events")
        answer = connection.getresponse()
        assert b'"waiting"' in answer.readline()
        inspector.start("inspecting")
        inspector.start("sizing")
        assert answer.read().rstrip().endswith(b"event: end\ndata: {}")


def slow_image() -> bytes:
    """An archive that takes a sizer a second or more."""
    files = {f"f/{number}": b"" for number in range(15_000)}
    return archive(oci([layer({**files, "x": random.Random(1).randbytes(20_000_000)})]))


@pytest.fixture(scope="module")
def slow() -> bytes:
    return slow_image()


def at_work(inspector: Inspector, id: str) -> bool:
    return bool(inspector.ask("GET", f"/images/{id}")[1]["size"]["state"] == "working")


def test_told_to_stop_a_worker_finishes_the_work_in_hand(inspector: Inspector, slow: bytes) -> None:
    inspector.start("api")
    sizer = inspector.start("sizing")
    _, sent = inspector.ask("POST", "/archives", slow)
    wait_for(lambda: at_work(inspector, sent["id"]))
    sizer.send_signal(signal.SIGTERM)
    assert sizer.wait(20) == 0
    assert inspector.ask("GET", f"/images/{sent['id']}")[1]["size"]["state"] == "done"
    assert inspector.log("sizing")[-1]["event"] == "stopped"


def test_work_of_a_killed_worker_is_done_by_another(inspector: Inspector, slow: bytes) -> None:
    inspector.start("api")
    inspector.start("inspecting")
    sizer = inspector.start("sizing")
    _, sent = inspector.ask("POST", "/archives", slow)
    wait_for(lambda: at_work(inspector, sent["id"]))
    sizer.kill()
    inspector.start("sizing")
    assert inspector.finished(sent["id"])["size"]["state"] == "done"


def test_told_to_stop_the_api_finishes_an_upload_under_way(inspector: Inspector) -> None:
    api = inspector.start("api")
    with socket.create_connection(("127.0.0.1", inspector.port)) as client:
        client.sendall(
            f"POST /archives HTTP/1.1\r\nHost: a\r\nContent-Length: {len(IMAGE)}\r\n\r\n".encode()
        )
        client.sendall(IMAGE[:3000])
        wait_for(lambda: list((inspector.folder / "arriving").iterdir()))
        api.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        client.sendall(IMAGE[3000:])
        assert b" 202 " in client.recv(4096)
    assert api.wait(10) == 0


def test_what_was_kept_but_never_queued_is_found_at_the_start(inspector: Inspector) -> None:
    inspector.start("api").kill()
    id = hashlib.sha256(IMAGE).hexdigest()
    (inspector.folder / "archives" / f"{id}.tar").write_bytes(IMAGE)
    for module in ("api", "inspecting", "sizing"):
        inspector.start(module)
    wait_for(lambda: inspector.ask("GET", f"/images/{id}")[0] == 200)
    assert inspector.finished(id)["inspect"]["state"] == "done"


def test_without_redis_the_api_says_so_and_takes_nothing(inspector: Inspector) -> None:
    inspector.env["REDIS_PORT"] = str(free_port())
    inspector.start("api")
    status, problem = inspector.ask("POST", "/archives", IMAGE)
    assert status == 503
    assert "redis" in problem["error"]
    assert not list((inspector.folder / "archives").iterdir())


def test_the_page_and_its_parts_are_served_under_a_strict_policy(inspector: Inspector) -> None:
    inspector.start("api")
    for path in ("/", "/app.js", "/style.css"):
        connection = http.client.HTTPConnection("127.0.0.1", inspector.port, timeout=20)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.status == 200
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
            assert b"://" not in answer.read()


@pytest.mark.engine
def test_what_podman_saves_is_read(
    inspector: Inspector, needs: Any, test_image: str, docker_url: str, tmp_path: Path
) -> None:
    podman = needs.program("podman")
    for module in ("api", "inspecting", "sizing"):
        inspector.start(module)
    for kind in ("oci-archive", "docker-archive"):
        path = tmp_path / f"{kind}.tar"
        told = ["--url", docker_url, "save", "-q", "--format", kind, "-o", str(path), test_image]
        saved = subprocess.run([podman, *told], capture_output=True, text=True, check=False)
        assert saved.returncode == 0, saved.stderr
        _, sent = inspector.ask("POST", "/archives", path.read_bytes())
        image = inspector.finished(sent["id"])
        assert image["inspect"]["result"]["ports"] == ["8080/tcp"]
        assert image["size"]["result"]["layers"][-1]["largest"][0]["path"] == "app/server.py"
