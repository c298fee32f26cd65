"""A notebook per customer: POST a line, GET them all. What it keeps is on its own volume."""

import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NOTES = Path("/var/lib/notes/notes.txt")
HEAD = f"{os.environ['CUSTOMER']}, on the {os.environ['PLAN']} plan\n"


class Notebook(BaseHTTPRequestHandler):
    """Answers every path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._say(HEAD + (NOTES.read_text() if NOTES.exists() else ""))

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        with NOTES.open("a") as notes:
            notes.write(self.rfile.read(length).decode("utf-8", "replace").strip() + "\n")
        self._say("noted\n")

    def _say(self, text: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("0.0.0.0", 8080), Notebook)
    stop = threading.Thread(target=server.shutdown)
    signal.signal(signal.SIGTERM, lambda *_: stop.start())
    server.serve_forever(poll_interval=0.1)
