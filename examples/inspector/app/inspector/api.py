"""`python3 -m inspector.api`: takes archives, hands them to the workers, shows what they find.

POST /archives?name=        an archive as the body; 200 known already, 202 looked into
POST /archives?path=        a file in the volume's folder `incoming` instead
GET  /archives/ID           the archive, whole or by range: what the workers read
GET  /images                the newest, with the state of each part
GET  /images/ID             all that is known; DELETE forgets it
GET  /images/ID/events      the same as server-sent events, as it changes
GET  /queues                how much waits and how much is in hand
GET  /healthz               200 while this process serves
"""

import json
import mimetypes
import re
import signal
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from inspector import settings
from inspector.faults import BadArchive
from inspector.http import Handler, Server
from inspector.jobs import DONE, FAILED, PARTS, Away, Jobs, connect, is_id
from inspector.log import say
from inspector.shelf import Shelf, TooLarge

_PAGE = Path(__file__).parent / "page"
_FILES = {"/": "index.html", "/app.js": "app.js", "/style.css": "style.css"}
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_CHUNK = 1024 * 1024
_LOOK_SECONDS = 0.3
_KEEP_ALIVE_SECONDS = 15.0
_AWAY = "the queue (redis) does not answer; try again in a moment"


class Api(Handler):
    """One connection to the API."""

    jobs: Jobs
    shelf: Shelf

    def route(self, method: str, path: str) -> None:
        """Answer, or say why not."""
        try:
            self._route(method, path)
        except Away:
            self.send_problem(503, _AWAY)

    def _route(self, method: str, path: str) -> None:
        _, first, *rest = path.split("/")
        match (method, first, rest):
            case ("GET" | "HEAD", "healthz", []):
                self.send_json(200, {"ok": True})
            case ("POST", "archives", []):
                self._take()
            case ("GET" | "HEAD", "archives", [id]):
                self._send_archive(id)
            case ("GET", "images", []):
                self.send_json(200, {"images": self.jobs.images()})
            case ("GET", "images", [id]):
                self._send_image(id)
            case ("DELETE", "images", [id]):
                self._forget(id)
            case ("GET", "images", [id, "events"]):
                self._send_events(id)
            case ("GET", "queues", []):
                self.send_json(200, self.jobs.depths())
            case ("GET" | "HEAD", _, []) if path in _FILES:
                self._send_file(_PAGE / _FILES[path])
            case _:
                self.send_problem(404, f"there is no {method} {path} here")

    def _take(self) -> None:
        """Keep what was sent, and have it looked into."""
        query = parse_qs(urlsplit(self.path).query)
        path = query.get("path", [""])[0]
        name = query.get("name", [path or "archive"])[0]
        if (fault := self._refusal(has_path=bool(path))) is not None:
            self.send_problem(*fault)
            return
        self.jobs.ping()  # say so before two gigabytes have been sent
        try:
            id, size = self.shelf.put_from(path) if path else self.shelf.put(self.body)
        except BadArchive as fault:
            self.send_problem(422, str(fault))
        except TooLarge:
            self.send_problem(413, _too_large())
        except FileNotFoundError:
            self.send_problem(404, f"there is no {path} in {self.shelf.incoming}")
        except ConnectionError:
            raise
        except OSError as error:
            self.send_problem(507, f"it cannot be kept: {error.strerror}")
        else:
            self._submit(id, name=name, size=size)

    def _refusal(self, *, has_path: bool) -> tuple[int, str] | None:
        """What can be said before a byte is read."""
        if has_path:
            return None
        length = int(self.headers.get("Content-Length") or 0)
        if length > settings.MAX_ARCHIVE_BYTES:
            return 413, _too_large()
        if length > self.shelf.room():
            return 507, "it cannot be kept: the disk is too full for it"
        if self.body.ended:
            return 422, "nothing was sent: the archive is the body of the request"
        return None

    def _submit(self, id: str, *, name: str, size: int) -> None:
        fresh = self.jobs.submit(id, name=name, size=size)
        for dropped in self.shelf.trim(self.jobs.finished):
            say("dropped", id=dropped)
        say("received", id=id, name=name, bytes=size, cached=not fresh)
        self.send_json(202 if fresh else 200, {"id": id, "cached": not fresh, "bytes": size})

    def _send_archive(self, id: str) -> None:
        path = self.shelf.find(id)
        if path is None:
            self.send_problem(404, "no such archive is kept")
            return
        with path.open("rb") as file:
            size = path.stat().st_size
            asked = _RANGE.fullmatch(self.headers.get("Range", ""))
            start = int(asked[1]) if asked else 0
            end = min(int(asked[2]) + 1, size) if asked and asked[2] else size
            if start >= end:
                self.send_problem(416, f"it has {size} bytes")
                return
            headers = {"Content-Length": str(end - start), "Content-Type": "application/x-tar"}
            if asked:
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
            self.begin(206 if asked else 200, headers | {"Accept-Ranges": "bytes"})
            if self.command != "HEAD":
                file.seek(start)
                while start < end and (part := file.read(min(_CHUNK, end - start))):
                    self.wfile.write(part)
                    start += len(part)

    def _send_image(self, id: str) -> None:
        image = self.jobs.image(id) if is_id(id) else None
        if image is None:
            self.send_problem(404, "no such image is known")
        else:
            self.send_json(200, image)

    def _forget(self, id: str) -> None:
        if not is_id(id) or not self.jobs.known(id):
            self.send_problem(404, "no such image is known")
            return
        self.jobs.forget(id)
        self.shelf.drop(id)
        self.send_json(200, {"id": id})

    def _send_events(self, id: str) -> None:
        """Every change until both parts have ended, the client leaves, or this server does."""
        if not is_id(id) or not self.jobs.known(id):
            self.send_problem(404, "no such image is known")
            return
        self.close_connection = True
        self.begin(200, {"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        said, spoken = "", time.monotonic()
        while (image := self.jobs.image(id)) is not None:
            if (line := json.dumps(image)) != said:
                self._event(f"data: {line}\n\n")
                said, spoken = line, time.monotonic()
            elif time.monotonic() - spoken > _KEEP_ALIVE_SECONDS:
                self._event(": still here\n\n")
                spoken = time.monotonic()
            if _ended(image):
                self._event("event: end\ndata: {}\n\n")
                return
            if self.server.closing.wait(_LOOK_SECONDS):
                return

    def _event(self, text: str) -> None:
        self.wfile.write(text.encode())
        self.wfile.flush()

    def _send_file(self, path: Path) -> None:
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        self.send_content(200, path.read_bytes(), f"{kind}; charset=utf-8")


def _ended(image: dict[str, Any]) -> bool:
    return all(image[part]["state"] in (DONE, FAILED) for part in PARTS)


def _too_large() -> str:
    return f"archives of up to {settings.MAX_ARCHIVE_BYTES // settings.MIB} MiB are taken"


def adopt(shelf: Shelf, jobs: Jobs, stopping: threading.Event) -> None:
    """Submit what was kept but never queued: this process may have ended in between, and
    Redis may have been new."""
    while not stopping.is_set():
        try:
            for id, size in shelf.ids():
                if not jobs.known(id):
                    jobs.submit(id, name="found on the volume", size=size)
                    say("adopted", id=id)
            return
        except Away as error:
            say("redis is away", level="warning", error=error)
            stopping.wait(2)


def make_server(port: int, *, folder: Path, jobs: Jobs) -> Server:
    """A server on this folder and these jobs, not yet serving."""
    shelf = Shelf(folder)
    shelf.sweep()
    handler = type("BoundApi", (Api,), {"jobs": jobs, "shelf": shelf})
    server = Server(port, handler)
    threading.Thread(target=adopt, args=(shelf, jobs, server.closing), daemon=True).start()
    return server


def main() -> None:
    """Serve until TERM, then finish what is under way."""
    server = make_server(settings.PORT, folder=settings.DATA, jobs=Jobs(connect()))

    def stop(*_: object) -> None:
        server.closing.set()
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    say("serving", port=settings.PORT)
    server.serve_forever(poll_interval=0.1)
    server.drain()
    server.server_close()
    say("stopped")


if __name__ == "__main__":
    main()
