"""Several real server processes on one PostgreSQL, Kubernetes cells only."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen


class ServerProcess:
    """One `skerry server`."""

    def __init__(self, folder: Path, name: str, database: str, **settings: str) -> None:
        self.name = name
        self.state = folder / name
        self.state.mkdir(mode=0o700)
        key = folder / "key"
        if not key.exists():
            key.write_text(new_key())
        (self.state / "key").write_text(key.read_text())
        (self.state / "key").chmod(0o600)
        self._environ = {
            **os.environ,
            "SKERRY_STATE": str(self.state),
            "SKERRY_DATABASE": database,
            "SKERRY_LISTEN_PORT": "0",
            "SKERRY_LOCAL": "off",
            "SKERRY_NAME": name,
            **settings,
        }
        self.process: subprocess.Popen[bytes]
        self.start()

    def start(self) -> None:
        """Run it; returns once it answers."""
        (self.state / "server.json").unlink(missing_ok=True)
        with (self.state / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "skerry", "server"],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: self._listens() or self.process.poll() is not None, seconds=60)
        assert self._listens(), self.log()

    def _listens(self) -> bool:
        return (self.state / "server.json").exists()

    def call(self, method: str, path: str, body: Any = None, *, seconds: float = 20) -> Any:
        """Its answer: status and JSON."""
        url = json.loads((self.state / "server.json").read_text())["url"]
        token = (self.state / "token").read_text().strip()
        data = None if body is None else json.dumps(body).encode()
        asked = Request(url + path, data=data, method=method)
        asked.add_header("Authorization", f"Bearer {token}")
        asked.add_header("Content-Type", "application/json")
        try:
            with urlopen(asked, timeout=seconds) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def tell(self, number: signal.Signals) -> None:
        """A signal."""
        self.process.send_signal(number)

    def end(self) -> None:
        """However it is, it is gone then."""
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()

    def log(self) -> str:
        """What it said."""
        return (self.state / "log").read_text()


def new_key() -> str:
    """A key file's content."""
    key = urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return f"fingerprint {secrets.token_hex(32)}\nkey {key}\n"


def wait_until(holds: Any, *, seconds: float) -> float:
    """Wait until it holds; gives how long that took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if holds():
            return time.monotonic() - began
        time.sleep(0.05)
    raise AssertionError(f"does not come to hold within {seconds} s")
