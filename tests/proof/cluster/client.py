"""A client of an API server: plain HTTP, one connection a thread, every answer a value."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from tests.proof.cluster.process import Process, wait_until

Object = dict[str, Any]

ARGO_CD = "argocd-controller"
"""The field manager of Argo CD's server-side apply."""

APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_STARTING = "storage is (re)initializing"
_WARNING = re.compile(r'^299 \S+ "(.*)"$')
_REQUEST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Ref:
    """Which object: enough to find it again."""

    api_version: str
    kind: str
    namespace: str
    """`""` for an object of no namespace."""
    name: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Ref:
        metadata = body["metadata"]
        return cls(body["apiVersion"], body["kind"], metadata.get("namespace", ""), metadata["name"])

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to one request."""

    status: int
    body: Object
    warnings: tuple[str, ...] = ()
    """The texts of its `Warning` headers."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def reason(self) -> str:
        """The refusal's machine-readable reason, as `Invalid`, `Forbidden`, `NotFound`; `""` if there is none."""
        return str(self.body.get("reason", "")) if not self.ok else ""

    @property
    def message(self) -> str:
        return str(self.body.get("message", "")) if not self.ok else ""

    @property
    def causes(self) -> tuple[tuple[str, str], ...]:
        """(field, message) of each fault that a refusal lists."""
        causes = (self.body.get("details") or {}).get("causes") or () if not self.ok else ()
        return tuple((cause.get("field", ""), cause.get("message", "")) for cause in causes)


@dataclass(frozen=True, slots=True)
class Resource:
    """How a kind is served."""

    path: str
    """Of the group and version, as `/apis/apps/v1`."""
    plural: str
    namespaced: bool

    def url(self, namespace: str, name: str = "", subresource: str = "") -> str:
        """The address of an object, or of the collection if it has no name; in all namespaces if it has none."""
        inside = f"/namespaces/{quote(namespace)}" if self.namespaced and namespace else ""
        tail = "".join(f"/{quote(part)}" for part in (name, subresource) if part)
        return f"{self.path}{inside}/{self.plural}{tail}"


@dataclass(slots=True)
class _Server:
    """What all clients of one server share."""

    host: str
    port: int
    token: str
    tls: ssl.SSLContext
    processes: tuple[Process, ...] = ()
    resources: dict[tuple[str, str], Resource] = field(default_factory=dict)
    local: threading.local = field(default_factory=threading.local)
    connections: list[http.client.HTTPSConnection] = field(default_factory=list)

    def connection(self) -> http.client.HTTPSConnection:
        found: http.client.HTTPSConnection | None = getattr(self.local, "connection", None)
        if found is None:
            found = http.client.HTTPSConnection(self.host, self.port, timeout=_REQUEST_SECONDS, context=self.tls)
            self.local.connection = found
            self.connections.append(found)
        return found

    def close(self) -> None:
        """Close the connections of all threads."""
        for connection in self.connections:
            connection.close()


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody who talks to the API server. Methods return what it said; only a broken connection raises."""

    server: _Server
    user: str = ""
    groups: tuple[str, ...] = ()

    def impersonating(self, user: str, *groups: str) -> Client:
        """The same server, as this user in these groups (and in `system:authenticated`, as every user is)."""
        return replace(self, user=user, groups=(*groups, "system:authenticated"))

    def apply(
        self,
        body: Mapping[str, Any],
        *,
        manager: str = ARGO_CD,
        force: bool = True,
        validation: str = "Strict",
        dry_run: bool = False,
    ) -> Answer:
        """Server-side apply, as Argo CD does it. `validation` is `Strict`, `Warn` or `Ignore`."""
        query = {"fieldManager": manager, "force": str(force).lower(), "fieldValidation": validation}
        return self._write("PATCH", body, query, dry_run=dry_run, content_type=APPLY, named=True)

    def create(self, body: Mapping[str, Any], *, dry_run: bool = False) -> Answer:
        """POST in strict validation; a name may be left to `metadata.generateName`."""
        return self._write("POST", body, {"fieldValidation": "Strict"}, dry_run=dry_run, named=False)

    def get(self, ref: Ref, subresource: str = "") -> Answer:
        return self._at(ref, "GET", subresource)

    def list(self, api_version: str, kind: str, namespace: str = "", **query: str) -> Answer:
        """All objects of a kind, in a namespace or in all; `query` as in `labelSelector`."""
        return self._at(Ref(api_version, kind, namespace, ""), "GET", query=query)

    def delete(self, ref: Ref) -> Answer:
        return self._at(ref, "DELETE")

    def patch(
        self,
        ref: Ref,
        body: Mapping[str, Any],
        *,
        subresource: str = "",
        manager: str = "test",
        content_type: str = MERGE,
    ) -> Answer:
        """A merge patch by another manager, as an autoscaler's `{"spec": {"replicas": 5}}` on `scale`."""
        return self._at(ref, "PATCH", subresource, body, {"fieldManager": manager}, content_type)

    def may(self, verb: str, resource: str, *, group: str = "", namespace: str = "", subresource: str = "") -> bool:
        """Whether this user may, by a SelfSubjectAccessReview. `resource` is the plural, or `*`."""
        attributes = {"verb": verb, "resource": resource, "group": group, "namespace": namespace}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes | {"subresource": subresource}},
        }
        answer = self.create(review)
        assert answer.ok, answer
        return bool(answer.body["status"]["allowed"])

    def resource(self, api_version: str, kind: str) -> Resource | None:
        """How a kind is served, None if it is not. Discovery is read when the kind is unknown yet."""
        if (api_version, kind) not in self.server.resources:
            self.server.resources.update(self._discover())
        return self.server.resources.get((api_version, kind))

    def wait(self, what: str, check: Callable[[], bool], seconds: float = 30) -> None:
        """Poll until `check` is true; else an AssertionError that says `not WHAT` and shows the logs."""
        wait_until(what, check, self.server.processes, seconds)

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Answer:
        """One request. A store that is still being opened is asked again until it is there."""
        address = f"{path}?{urlencode(query)}" if query else path
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        deadline = time.monotonic() + _REQUEST_SECONDS
        while True:
            answer = self._once(method, address, sent, self._headers(content_type, accept))
            if answer.status != 429 or _STARTING not in answer.message or time.monotonic() > deadline:
                return answer
            time.sleep(0.05)

    def _write(
        self,
        method: str,
        body: Mapping[str, Any],
        query: dict[str, str],
        *,
        dry_run: bool,
        named: bool,
        content_type: str = "application/json",
    ) -> Answer:
        api_version, kind = str(body["apiVersion"]), str(body["kind"])
        metadata = body.get("metadata", {})
        ref = Ref(api_version, kind, metadata.get("namespace", ""), metadata["name"] if named else "")
        return self._at(ref, method, "", body, query | ({"dryRun": "All"} if dry_run else {}), content_type)

    def _at(
        self,
        ref: Ref,
        method: str,
        subresource: str = "",
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        resource = self.resource(ref.api_version, ref.kind)
        if resource is None:  # What kubectl says, without asking the server.
            said = f'no matches for kind "{ref.kind}" in version "{ref.api_version}"'
            return Answer(404, {"kind": "Status", "reason": "NotFound", "message": said})
        url = resource.url(ref.namespace, ref.name, subresource)
        return self.request(method, url, body, query=query, content_type=content_type)

    def _headers(self, content_type: str, accept: str) -> http.client.HTTPMessage:
        headers = http.client.HTTPMessage()
        headers["Authorization"] = f"Bearer {self.server.token}"
        headers["Content-Type"] = content_type
        headers["Accept"] = accept
        if self.user:
            headers["Impersonate-User"] = self.user
        for group in self.groups:
            headers["Impersonate-Group"] = group  # Adds one; it replaces none.
        return headers

    def _once(self, method: str, address: str, body: bytes | None, headers: http.client.HTTPMessage) -> Answer:
        connection = self.server.connection()
        try:
            try:
                connection.request(method, address, body, headers)  # type: ignore[arg-type]  # only its items() are used
            except (ssl.SSLEOFError, ConnectionError):
                # The server closed a connection that was idle; what was not sent was not done.
                connection.close()
                connection.request(method, address, body, headers)  # type: ignore[arg-type]  # the same
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        said = [_WARNING.match(line) for line in response.headers.get_all("Warning") or ()]
        kept = tuple(match[1].replace('\\"', '"') for match in said if match)
        try:
            answered = json.loads(text)
        except ValueError:
            answered = {"message": text.decode(errors="replace")}
        return Answer(response.status, answered, kept)

    def _discover(self) -> dict[tuple[str, str], Resource]:
        found: dict[tuple[str, str], Resource] = {}
        for root in ("/api", "/apis"):
            for group in self.request("GET", root, accept=_DISCOVERY).body["items"]:
                name = group["metadata"].get("name", "")
                for version in group["versions"]:
                    api_version = f"{name}/{version['version']}" if name else version["version"]
                    for entry in version.get("resources", ()):
                        kind = (entry.get("responseKind") or {}).get("kind", "")
                        path = f"{root}/{api_version}"
                        found[api_version, kind] = Resource(path, entry["resource"], entry["scope"] == "Namespaced")
        return found
