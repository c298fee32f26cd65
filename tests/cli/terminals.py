"""`skerry` on a pseudo-terminal: what a person would see, and what they type."""

import os
import pty
import select
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Terminal:
    """A process whose terminal we hold."""

    pid: int
    descriptor: int
    screen: bytearray = field(default_factory=bytearray)

    def until(self, text: str, seconds: float = 20.0) -> str:
        """Read until the text was shown; what was shown so far."""
        deadline = time.monotonic() + seconds
        while text.encode() not in self.screen:
            if time.monotonic() > deadline or not self._read(deadline):
                raise AssertionError(f"{text!r} never shown in:\n{self.screen.decode()}")
        return self.screen.decode()

    def type(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def interrupt(self) -> None:
        os.kill(self.pid, signal.SIGINT)

    def end(self, seconds: float = 20.0) -> tuple[int, str]:
        """Its exit code, and all it showed."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.descriptor)
        return os.waitstatus_to_exitcode(status), self.screen.decode()

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self.descriptor], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise AssertionError(f"no more was shown than:\n{self.screen.decode()}")
        try:
            data = os.read(self.descriptor, 65536)
        except OSError:  # the other side is closed: Linux says EIO
            return False
        self.screen += data
        return bool(data)


def start(*arguments: str, env: Mapping[str, str] | None = None) -> Terminal:
    """`skerry` with these arguments on a terminal of 24 by 80."""
    pid, descriptor = pty.fork()
    if pid == 0:
        environment = {**os.environ, "TERM": "xterm-256color", **(env or {})}
        environment.pop("NO_COLOR", None) if not env or "NO_COLOR" not in env else None
        os.execve(sys.executable, [sys.executable, "-m", "skerry", *arguments], environment)
    import fcntl
    import struct
    import termios

    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    return Terminal(pid, descriptor)
