"""The loop of a worker: one thread, one archive at a time; told to stop, it finishes it."""

import secrets
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from inspector import settings
from inspector.archive import Archive
from inspector.faults import BadArchive, Gone
from inspector.jobs import Away, Jobs, connect
from inspector.log import say
from inspector.remote import RemoteFile, Unreachable

Work = Callable[[Archive, Callable[[], None]], dict[str, Any]]
_RECOVER_SECONDS = 5.0
_RETRY_SECONDS = 1.0


class Worker:
    """Takes ids of one part and does the work. `stop()` may be called from a signal."""

    def __init__(self, part: str, work: Work, jobs: Jobs) -> None:
        # A container restarted has its old name and process id, and is another worker.
        self.name = f"{socket.gethostname()}-{secrets.token_hex(3)}"
        self._part = part
        self._work = work
        self._jobs = jobs
        self._stopping = False
        self._recovered = -_RECOVER_SECONDS
        self._beaten = 0.0

    def stop(self) -> None:
        """Take nothing more."""
        self._stopping = True

    def run(self) -> None:
        """Work until told to stop. Without Redis: try again, and say so once."""
        away = False
        say("started", worker=self.name, part=self._part)
        while not self._stopping:
            try:
                self._turn()
                if away:
                    say("redis is back")
                away = False
            except Away as error:
                if not away:
                    say("redis is away", level="warning", error=error)
                away = True
                time.sleep(_RETRY_SECONDS)
        self._leave()

    def _turn(self) -> None:
        if time.monotonic() - self._recovered > _RECOVER_SECONDS:
            self._recovered = time.monotonic()
            for id in self._jobs.recover(self._part):
                say("recovered", level="warning", id=id)
        if taken := self._jobs.take(self._part, self.name):
            self._do(taken)

    def _do(self, id: str) -> None:
        started = time.monotonic()
        say("taken", id=id, part=self._part)
        try:
            result = self._look(id)
        except (BadArchive, Gone) as fault:
            self._jobs.fail(self._part, self.name, id, error=str(fault))
            say("failed", level="warning", id=id, error=fault)
        except Unreachable as error:
            self._jobs.give_back(self._part, self.name, id)
            say("given back", level="warning", id=id, error=error)
            time.sleep(_RETRY_SECONDS)
        else:
            self._jobs.done(self._part, self.name, id, result=result)
            say("done", id=id, seconds=round(time.monotonic() - started, 3))

    def _look(self, id: str) -> dict[str, Any]:
        file = RemoteFile(f"{settings.API_URL}/archives/{id}")
        try:
            archive = Archive(file, size=file.size, beat=self._beat)
            return self._work(archive, self._beat)
        finally:
            file.close()

    def _beat(self) -> None:
        """Called for every piece read; tells Redis a few times per lease."""
        if time.monotonic() - self._beaten > settings.LEASE_SECONDS / 4:
            self._beaten = time.monotonic()
            self._jobs.beat(self.name)

    def _leave(self) -> None:
        try:
            self._jobs.leave(self._part, self.name)
        except Away as error:
            say("redis is away", level="warning", error=error)
        say("stopped", worker=self.name)


def run(part: str, work: Work) -> None:
    """Be a worker until TERM."""
    worker = Worker(part, work, Jobs(connect()))
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    signal.signal(signal.SIGINT, lambda *_: worker.stop())
    worker.run()
