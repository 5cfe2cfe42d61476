"""A backend for OTLP over HTTP on the loopback address: keeps what is sent to it."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from phoenix_gitops.golden.protobuf import Point, points
from phoenix_gitops.golden.subjects import Series
from phoenix_gitops.judges.local import LOOPBACK


@dataclass(slots=True)
class Sink:
    """What came, by path of the request."""

    url: str
    _came: list[tuple[str, Point]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, path: str, body: bytes) -> None:
        """Keep a request that was sent to `path`."""
        found = [(path, point) for point in points(body)]
        with self._lock:
            self._came += found

    def state(self, path: str) -> dict[Series, float]:
        """Each series that was sent to a path that begins with `path`: differences added up, else the last value."""
        found: dict[Series, float] = {}
        with self._lock:
            came = list(self._came)
        for at, point in came:
            if at.startswith(path):
                found[point.series] = point.value + (found.get(point.series, 0.0) if point.delta else 0.0)
        return found


@contextmanager
def sink() -> Iterator[Sink]:
    """A sink that listens until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            kept.take(self.path, gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    kept = Sink(f"http://{LOOPBACK}:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
