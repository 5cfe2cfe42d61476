"""GitHub's API as far as our workflows use it: pull requests by head, artefacts, comments in pages of 30."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

PAGE = 30
LONGEST = 65_536
"""Characters of a comment."""
WRITER, READER = "may-write", "may-read"
"""Tokens: that of a pull request from a fork only reads."""


@dataclass
class GitHub:
    """The state of one repository, `org/repo`."""

    address: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    report: dict[str, str] | None = None
    """The members of the artefact; None for no artefact."""
    written: list[str] = field(default_factory=list)
    """Method and path of each write."""

    def comment(self, login: str, body: str) -> dict[str, Any]:
        """Somebody's comment."""
        number = 1000 + len(self.comments)
        url = f"{self.address}/repos/org/repo/issues/comments/{number}"
        self.comments.append({"id": number, "url": url, "user": {"login": login}, "body": body})
        return self.comments[-1]

    def of_bot(self) -> list[str]:
        """What the workflows' own account said."""
        return [one["body"] for one in self.comments if one["user"]["login"] == "github-actions[bot]"]

    def archive(self) -> bytes:
        """The artefact."""
        found = io.BytesIO()
        with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in (self.report or {}).items():
                archive.writestr(name, text)
        return found.getvalue()


@contextmanager
def served() -> Iterator[GitHub]:
    """A repository on the loopback address."""
    state = GitHub()

    class Handler(_Handler):
        github = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    github: GitHub

    def log_message(self, *_: object) -> None:
        """Tests read the state, not a log."""

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        path, query = split.path, {name: values[-1] for name, values in parse_qs(split.query).items()}
        if path == "/repos/org/repo/pulls":
            heads = [one for one in self.github.pulls if one["label"] == query["head"]]
            self._page(path, heads, query)
        elif path == "/repos/org/repo/actions/runs/7/artifacts":
            size = len(self.github.archive())
            found = [{"id": 9, "name": "phoenix-report", "size_in_bytes": size}] if self.github.report else []
            self._answer(200, {"total_count": len(found), "artifacts": found})
        elif path == "/repos/org/repo/actions/artifacts/9/zip":
            self._send(200, self.github.archive(), {"content-type": "application/zip"})
        elif path == "/repos/org/repo/issues/5/comments":
            self._page(path, self.github.comments, query)
        else:
            self._answer(404, {"message": f"Not Found: {path}"})

    def do_POST(self) -> None:
        self._write(re.fullmatch(r"/repos/org/repo/issues/5/comments", urlsplit(self.path).path))

    def do_PATCH(self) -> None:
        self._write(re.fullmatch(r"/repos/org/repo/issues/comments/([0-9]+)", urlsplit(self.path).path))

    def _write(self, found: re.Match[str] | None) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))["body"]
        if self.headers["authorization"] != f"Bearer {WRITER}":
            self._answer(403, {"message": "Resource not accessible by integration"})
        elif found is None:
            self._answer(404, {"message": "Not Found"})
        elif len(body) > LONGEST:
            self._answer(422, {"message": "Validation Failed: body is too long (maximum is 65536 characters)"})
        else:
            self.github.written.append(f"{self.command} {found[0]}")
            if self.command == "POST":
                self._answer(201, self.github.comment("github-actions[bot]", body))
                return
            (one,) = [one for one in self.github.comments if one["id"] == int(found[1])]
            one["body"] = body
            self._answer(200, one)

    def _page(self, path: str, items: list[dict[str, Any]], query: dict[str, str]) -> None:
        number = int(query.get("page", "1"))
        more = len(items) > number * PAGE
        following = urlencode({**query, "page": number + 1})
        link = {"link": f'<{self.github.address}{path}?{following}>; rel="next"'} if more else {}
        self._answer(200, items[(number - 1) * PAGE : number * PAGE], link)

    def _answer(self, status: int, data: object, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(data).encode(), {"content-type": "application/json", **(headers or {})})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
