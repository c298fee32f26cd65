"""A whole Skerry on this machine, as a person would have it: its own state folder, ports,
server process, gateway and containers, driven through the command line alone."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tools.images.engine import ApiEngine

COMMAND_SECONDS = 180
KINDS = ("containers", "networks", "volumes")


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, all different."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in found]


class Platform:
    """One Skerry. `skerry(...)` runs the command line and fails the test when it does."""

    def __init__(self, folder: Path, docker_url: str) -> None:
        self.folder = folder
        self.state = folder / "state"
        self._again: list[subprocess.Popen[bytes]] = []
        self._engine = ApiEngine(docker_url)
        self.repository = folder / "repository"
        self.repository.mkdir(parents=True, exist_ok=True)
        self.http, self.https, self.port = free_ports(3)
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("SKERRY_")},
            "SKERRY_STATE": str(self.state),
            "SKERRY_ENGINE_URL": docker_url,
            "SKERRY_HTTP_PORT": str(self.http),
            "SKERRY_HTTPS_PORT": str(self.https),
            "SKERRY_LISTEN_PORT": str(self.port),
            "NO_COLOR": "1",
        }

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command and return how it ended, whatever that was."""
        options.setdefault("timeout", COMMAND_SECONDS)
        options.setdefault("stdin", None if "input" in options else subprocess.DEVNULL)
        return subprocess.run(
            [sys.executable, "-m", "skerry", *arguments],
            env={**self.environment, **options.pop("env", {})},
            cwd=options.pop("cwd", self.repository),
            capture_output=True,
            text=True,
            **options,
        )

    def skerry(self, *arguments: str, **options: Any) -> str:
        """Run a command that must succeed; its standard output."""
        ended = self.run(*arguments, **options)
        assert ended.returncode == 0, f"skerry {' '.join(arguments)}:\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    def json(self, *arguments: str) -> Any:
        """Run a command that must succeed with `-o json`."""
        return json.loads(self.skerry(*arguments, "-o", "json"))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command and go on."""
        return subprocess.Popen(
            [sys.executable, "-m", "skerry", *arguments],
            env=self.environment,
            cwd=self.repository,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def write(self, text: str, *, name: str = "services.yaml") -> None:
        """The repository's documents."""
        (self.repository / name).write_text(text)

    def status(self, name: str) -> dict[str, Any]:
        """One service as `skerry status -o json` has it."""
        services = self.json("status")["services"]
        found = [each for each in services if each["name"] == name]
        assert found, f"{name} is not among {[each['name'] for each in services]}"
        return dict(found[0])

    def server_pid(self) -> int:
        """The server's process, as it wrote it down."""
        return int(json.loads((self.state / "server.json").read_text())["pid"])

    def kill_server(self) -> None:
        """SIGKILL, and wait until the process is gone."""
        pid = self.server_pid()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        for server in self._again:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(0.1)
        wait_until(lambda: not _alive(pid), "the killed server is gone", seconds=10)

    def start_server(self) -> None:
        """Start it again in the background, as `skerry up` does."""
        with (self.folder / "server-again.log").open("ab") as log:
            self._again.append(
                subprocess.Popen(
                    [sys.executable, "-m", "skerry", "server"],
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
        wait_until(lambda: self.run("status").returncode == 0, "the server answers", seconds=30)

    def get(
        self, host: str, path: str = "/", headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """One request through the gateway: status and body; status 0 when it was refused."""
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": host, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError as error:
            return 0, str(error)
        finally:
            connection.close()

    def left(self, kind: str = "containers") -> list[str]:
        """Names of all containers (running or not), networks or volumes of this instance, as
        the container engine has them."""
        label = f"skerry.dev/instance={(self.state / 'instance').read_text().strip()}"
        filters = quote(json.dumps({"label": [label]}))
        path = f"/containers/json?all=true&filters={filters}"
        if kind != "containers":
            path = f"/{kind}?filters={filters}"
        status, said = self._engine.call("GET", path)
        assert status == 200, said
        listed: Any = json.loads(said)
        entries = listed.get("Volumes") or [] if isinstance(listed, dict) else listed
        return sorted(each["Names"][0] if "Names" in each else each["Name"] for each in entries)

    def close(self) -> None:
        """Remove all of it, however the test left it."""
        ended = self.run("down", "--volumes", timeout=120)
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError, ProcessLookupError):
            os.kill(self.server_pid(), signal.SIGKILL)
        for server in self._again:
            server.wait(30)
        if (self.state / "instance").exists():
            left = [each for kind in KINDS for each in self.left(kind)]
            assert not left, f"down left {left}: {ended.stdout}{ended.stderr}"


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until(holds: Callable[[], bool], what: str, *, seconds: float = 30) -> None:
    """Wait for something, or fail naming it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError(f"after {seconds:g} s it does not hold that {what}")


@contextlib.contextmanager
def platform(folder: Path, docker_url: str) -> Iterator[Platform]:
    """A Skerry for the time of the block."""
    made = Platform(folder, docker_url)
    try:
        yield made
    finally:
        made.close()
