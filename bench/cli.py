"""How long the command line takes to start: `skerry --help`, and `skerry status` of 40
services including its HTTP request.

    python -m bench.cli

The server is a stand-in of a few lines in another process, so that the figure is the
command line's own; Python's bytecode is written as in any installation. Beside them: what
the interpreter alone takes, and completion, which a person waits for at every TAB.
"""

import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing.connection import Connection

ROUNDS = 15
SERVICES = 40


def main() -> None:
    """Print median and worst of each, next to its target."""
    with stand_in() as url, tempfile.TemporaryDirectory() as state:
        environment = {
            **{k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
            "SKERRY_SERVER": url,
            "SKERRY_TOKEN": "bench",
            "SKERRY_STATE": state,
        }
        skerry = [os.path.join(os.path.dirname(sys.executable), "skerry")]
        completing = {
            **environment,
            "_SKERRY_COMPLETE": "complete_bash",
            "COMP_WORDS": "skerry logs service-1",
            "COMP_CWORD": "2",
        }
        print(f"command line, median of {ROUNDS} (worst), {os.cpu_count()} cores")
        for name, command, env, target in (
            ("python -c pass", [sys.executable, "-c", "pass"], environment, None),
            ("skerry --help", [*skerry, "--help"], environment, 150),
            (f"skerry status, {SERVICES} services", [*skerry, "status"], environment, 300),
            ("completion of a service's name", skerry, completing, None),
        ):
            median, worst, cpu = measure(command, env)
            wanted = _against(median, target) if target else ""
            print(f"  {name:<34} {median:6.0f} ms ({worst:.0f}), CPU {cpu:.0f} ms{wanted}")


def _against(median: float, target: float) -> str:
    return f"  target {target:.0f} ms: {'met' if median < target else 'MISSED'}"


def measure(command: list[str], environment: Mapping[str, str]) -> tuple[float, float, float]:
    """Median and worst wall time in ms, after one warm-up that writes the bytecode; and the
    median CPU time, which a machine busy with something else disturbs less."""
    took, spent = [], []
    for _ in range(ROUNDS + 1):
        began, before = time.perf_counter(), _cpu_seconds()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        took.append((time.perf_counter() - began) * 1000)
        spent.append((_cpu_seconds() - before) * 1000)
    return statistics.median(took[1:]), max(took[1:]), statistics.median(spent[1:])


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def stand_in() -> Iterator[str]:
    """A server in another process that knows 40 services; gives its URL."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(connection: Connection) -> None:
    from importlib.metadata import version

    health = json.dumps({"ok": True, "version": version("skerry")}).encode()
    status = json.dumps({"cell": "local", "services": [_service(n) for n in range(SERVICES)]})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = health if self.path == "/healthz" else status.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    connection.send(server.server_address[1])
    server.serve_forever()


def _service(number: int) -> dict[str, object]:
    return {
        "name": f"service-{number}",
        "namespace": "default",
        "state": "running",
        "reason": "every replica is ready",
        "ready": 2,
        "desired": 2,
        "release": 1,
        "image": "ghcr.io/acme/hello:1.4.2",
        "url": f"https://service-{number}.localhost",
        "since": "2026-03-01T12:00:00+00:00",
        "hold": None,
        "override": None,
    }


if __name__ == "__main__":
    main()
