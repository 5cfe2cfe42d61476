"""Git servers on the loopback address: `git daemon`, smart HTTP with a password, and both when they fail.

Each runs git's own server programs; this module only carries bytes between a socket and them, and can stop doing so.
"""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

USER, PASSWORD = "ci", "s3cr@t"
_BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@dataclass
class Fault:
    """What a server does wrong; tests switch it on and off while it runs."""

    cut_after: int | None = None
    """Closes the connection when it has read so many bytes of a push."""
    silent: bool = False
    """Takes connections and never says a word."""
    stuck: threading.Event = field(default_factory=threading.Event)
    """Set at the end: whoever is silent goes home."""


def environment() -> dict[str, str]:
    """What a server runs in: nobody's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}


class _Http(BaseHTTPRequestHandler):
    """`git http-backend` behind a password."""

    protocol_version = "HTTP/1.1"
    base: Path
    fault: Fault

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def _serve(self) -> None:
        if self.fault.silent:
            self.fault.stuck.wait()
            self.close_connection = True
            return
        address = urlsplit(self.path)
        body = self._body(cut=self.fault.cut_after if address.path.endswith("/git-receive-pack") else None)
        if body is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if self.headers.get("Authorization") != _BASIC:
            self._answer(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
            return
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            env={
                **environment(),
                "GIT_PROJECT_ROOT": str(self.base),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": address.path,
                "QUERY_STRING": address.query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REMOTE_USER": USER,
                "REMOTE_ADDR": "127.0.0.1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [(name, value) for name, _, value in (row.partition(": ") for row in head.decode().splitlines())]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
        self._answer(status, [row for row in headers if row[0] != "Status"], content)

    def _body(self, cut: int | None) -> bytes | None:
        """The request's body; None if it was cut."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            size = int(self.headers.get("Content-Length") or 0)
            # Half of it is read: git is still sending, or waits for an answer that does not come.
            body = self.rfile.read(size if cut is None else min(size, cut))
        return body if cut is None or len(body) < cut else None

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextlib.contextmanager
def smart_http(base: Path, fault: Fault) -> Iterator[int]:
    """Serves the repositories below `base` over HTTP; gives the port."""
    handler = type("Handler", (_Http,), {"base": base, "fault": fault})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        fault.stuck.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def daemon(base: Path, fault: Fault) -> Iterator[int]:
    """Serves the repositories below `base` by `git daemon`, one process a connection; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=_daemon_connection, args=(connection, base, fault))
            thread.start()
            threads.append(thread)

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        fault.stuck.set()
        # A thread that waits in `accept` wakes by a shutdown, not by a close.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (accepting, *threads):
            thread.join()


def _daemon_connection(connection: socket.socket, base: Path, fault: Fault) -> None:
    with connection:
        if fault.silent:
            fault.stuck.wait()
            return
        command = ["git", "daemon", "--inetd", "--export-all", "--enable=receive-pack", f"--base-path={base}"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()
        ) as process:
            back = threading.Thread(target=_carry_back, args=(process, connection))
            back.start()
            _carry_in(connection, process, fault)
            back.join()


def _carry_in(connection: socket.socket, process: subprocess.Popen[bytes], fault: Fault) -> None:
    assert process.stdin is not None
    read, pushing = 0, False
    with contextlib.suppress(OSError):
        while data := connection.recv(1024):
            pushing = pushing or b"git-receive-pack" in data
            read += len(data)
            if pushing and fault.cut_after is not None and read >= fault.cut_after:
                connection.shutdown(socket.SHUT_RDWR)
                break
            process.stdin.write(data)
            process.stdin.flush()
    with contextlib.suppress(OSError):
        process.stdin.close()


def _carry_back(process: subprocess.Popen[bytes], connection: socket.socket) -> None:
    assert process.stdout is not None
    with contextlib.suppress(OSError):
        while data := os.read(process.stdout.fileno(), 65536):
            connection.sendall(data)
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
