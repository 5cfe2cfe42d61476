"""What Argo CD says of its Applications: read from a file that its tools wrote, or asked of its API."""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from phoenix_gitops import conventions
from phoenix_gitops.addresses import redacted
from phoenix_gitops.diagnostics import Diagnostic, Outcome

if TYPE_CHECKING:
    from http.client import HTTPResponse

VARIABLE: Final = "ARGOCD_AUTH_TOKEN"
"""The environment variable that holds the token, as for the `argocd` command."""
API: Final = "/api/v1/applications"
SECONDS: Final = 20.0
"""How long one answer may take, from the first byte asked to the last one read."""
_BYTES = 256 * 1024 * 1024
"""An answer larger than this is refused: 2,000 Applications with all their resources are a tenth of it."""
_CHUNK = 1 << 16
_GET = "`kubectl get applications.argoproj.io -A -o json` and `argocd app list -o json` write such a file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """An object that an Application brings, as Argo CD sees it."""

    group: str
    kind: str
    namespace: str
    name: str
    sync: str
    health: str
    """Empty where Argo CD has no opinion, or keeps it to itself."""
    message: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from others of its cluster."""
        return (self.group, self.kind, self.namespace, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An Application as it is in Argo CD. What its status does not say is empty."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    hold: str
    """Our annotation: until when and why it is held."""
    sync: str
    """`Synced`, `OutOfSync` or `Unknown`."""
    revision: str
    """The commit that it was compared with."""
    health: str
    """`Healthy`, `Progressing`, `Degraded`, `Suspended`, `Missing` or `Unknown`."""
    message: str
    """Why it is not as it should be: a failed operation, an error condition, what its health says."""
    resources: tuple[Resource, ...] = ()

    @property
    def environment(self) -> str:
        """The environment that it was compiled for; empty where it is none of ours."""
        ours = self.labels.get(conventions.APP_MANAGED_BY) == conventions.MANAGED_BY
        return self.labels.get(conventions.ENVIRONMENT, "") if ours else ""


class _UnusableError(Exception):
    """The source gives no Applications; carries the diagnostic that says why."""

    def __init__(self, code: str, message: str, help_: str, *notes: str) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(code=code, message=message, help=help_, notes=notes)


def applications(source: str, token: str = "", seconds: float = SECONDS) -> Outcome[tuple[Application, ...] | None]:
    """The Applications that a file or an `http(s)` address gives; None and PHX921 or PHX922 where it gives none.

    Args:
        source: a file as `kubectl` or `argocd` write it as JSON, or the address of Argo CD.
        token: what Argo CD is shown; it is only ever sent to that address, over TLS or to this machine.
        seconds: how long the whole answer may take.

    """
    try:
        asked = source.startswith(("http://", "https://"))
        content = _ask(source, token, seconds) if asked else _read(source)
        return Outcome(tuple(_applications(content, redacted(source))))
    except _UnusableError as error:
        return Outcome(None, (error.diagnostic,))


def _read(source: str) -> bytes:
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise _UnusableError("PHX921", f"cannot read `{source}`: {error.strerror}", _GET) from error


def _ask(source: str, token: str, seconds: float) -> bytes:
    """The answer of Argo CD's API, within limits of time and size; no redirect is followed, no proxy left out."""
    import http.client
    import urllib.error
    import urllib.request

    try:
        url = urlsplit(source)
    except ValueError as error:
        raise _unreachable(source, str(error)) from error
    _check_address(url, source, token)
    path = url.path.rstrip("/").removesuffix(API)
    opener = urllib.request.OpenerDirector()
    # An opener of our own: the default one would follow a redirect, with the token.
    for handler in (
        urllib.request.HTTPSHandler,
        urllib.request.HTTPHandler,
        urllib.request.ProxyHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(url._replace(path=path + API, query="", fragment="").geturl(), headers=headers)  # noqa: S310 -- https, or this machine
    until = time.monotonic() + seconds
    try:
        with opener.open(request, timeout=seconds) as answer:
            return _whole(answer, until, source)
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error.code, error.read(_CHUNK), source, token) from error
    except TimeoutError as error:
        raise _late(source, seconds) from error
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, TimeoutError):
            raise _late(source, seconds) from error
        said = str(getattr(reason, "verify_message", "") or getattr(reason, "strerror", "") or reason)
        raise _unreachable(source, said) from error
    except (ValueError, http.client.HTTPException) as error:
        raise _unreachable(source, f"what answers does not speak HTTP ({error or type(error).__name__})") from error


def _check_address(url: SplitResult, source: str, token: str) -> None:
    if url.username or url.password:
        message = f"`{redacted(source)}` is given with a user or a token in it"
        raise _UnusableError("PHX921", message, f"take it out: the token belongs into the variable {VARIABLE}")
    if url.scheme == "http" and token and not _is_local(url.hostname or ""):
        message = f"`{source}` is no `https` address, and the token would be readable on its way"
        raise _UnusableError("PHX921", message, "use the `https` address; plain `http` is for this machine alone")


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _whole(answer: HTTPResponse, until: float, source: str) -> bytes:
    """All that is answered; a server that gives a little at a time does not hold us up for ever."""
    parts: list[bytes] = []
    size = 0
    while part := answer.read1(_CHUNK):
        parts.append(part)
        size += len(part)
        if time.monotonic() > until:
            raise TimeoutError
        if size > _BYTES:
            raise _unreachable(source, f"the answer is larger than {_BYTES >> 20} MiB")
    return b"".join(parts)


def _late(source: str, seconds: float) -> _UnusableError:
    return _unreachable(source, f"no whole answer within {seconds:g} s")


def _unreachable(source: str, said: str) -> _UnusableError:
    hint = "is it Argo CD's own address? `SSL_CERT_FILE` names the certificates of a private authority"
    return _UnusableError("PHX921", f"cannot ask Argo CD at `{redacted(source)}`: {said}", hint)


def _refusal(status: int, content: bytes, source: str, token: str) -> _UnusableError:
    """What an answer means that is no success."""
    said = _words(content)
    notes = [f"it said: {said}"] if said else []
    if status in (401, 403):
        held = f"the token in {VARIABLE} is not enough" if token else f"{VARIABLE} holds no token"
        hint = f"{held}: `argocd account generate-token` makes one for an account that may read applications"
    elif status in range(300, 400):
        hint = "it leads elsewhere, perhaps to a login page: name the address that answers itself"
    else:
        hint = _GET
    return _UnusableError("PHX921", f"Argo CD at `{redacted(source)}` answers with status {status}", hint, *notes)


def _words(content: bytes) -> str:
    """The message of a JSON error, in one line; empty for anything else, as a proxy's page of HTML."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    said = document.get("message") or document.get("error") if isinstance(document, dict) else None
    return " ".join(said.split())[:300] if isinstance(said, str) else ""


def _applications(content: bytes, source: str) -> Iterator[Application]:
    """The Applications of a list as `kubectl`, `argocd` and the API write it, or of one alone."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        what = "a page of HTML, perhaps of a login" if content.lstrip()[:1] == b"<" else "no JSON"
        raise _UnusableError("PHX922", f"`{source}` gives {what}", _GET) from error
    if isinstance(document, dict) and ("error" in document or document.get("kind") == "Status"):
        raise _UnusableError("PHX922", f"`{source}` gives an error: {_words(content) or 'no message'}", _GET)
    if isinstance(document, dict) and document.get("kind") != "Application":
        # The API gives null where there are none.
        document = document["items"] or [] if "items" in document else None
    items = [document] if isinstance(document, dict) else document
    if not isinstance(items, list):
        raise _UnusableError("PHX922", f"`{source}` holds no list of Applications", _GET)
    for i, item in enumerate(items):
        metadata = _map(item, "metadata")
        # Items of the API's own list bear no kind.
        if not isinstance(metadata.get("name"), str) or _map(item).get("kind", "Application") != "Application":
            raise _UnusableError("PHX922", f"`{source}` holds something else than Applications, at item {i + 1}", _GET)
        yield _application(item)


def _application(item: object) -> Application:
    metadata, status = _map(item, "metadata"), _map(item, "status")
    return Application(
        name=_text(metadata, "name"),
        namespace=_text(metadata, "namespace"),
        labels={key: value for key, value in _map(metadata, "labels").items() if isinstance(value, str)},
        hold=_text(_map(metadata, "annotations"), conventions.HOLD),
        sync=_text(_map(status, "sync"), "status"),
        revision=_text(_map(status, "sync"), "revision"),
        health=_text(_map(status, "health"), "status"),
        message=" ".join(_message(status).split()),
        resources=tuple(_resource(resource) for resource in _list(status, "resources")),
    )


def _message(status: Mapping[str, Any]) -> str:
    """The first of: a failed operation, an error condition, what the health says."""
    operation = _map(status, "operationState")
    if operation.get("phase") in ("Failed", "Error"):
        return _text(operation, "message")
    errors = [c for c in map(_map, _list(status, "conditions")) if _text(c, "type").endswith("Error")]
    return _text(errors[0], "message") if errors else _text(_map(status, "health"), "message")


def _resource(resource: object) -> Resource:
    known = _map(resource)
    health = _map(known, "health")
    return Resource(
        **{key: _text(known, key) for key in ("group", "kind", "namespace", "name")},
        sync=_text(known, "status"),
        health=_text(health, "status"),
        message=_text(health, "message"),
    )


def _map(value: object, key: str = "") -> Mapping[str, Any]:
    inner = value.get(key) if key and isinstance(value, dict) else value
    return inner if isinstance(inner, dict) else {}


def _list(value: Mapping[str, Any], key: str) -> list[Any]:
    inner = value.get(key)
    return inner if isinstance(inner, list) else []


def _text(value: Mapping[str, Any], key: str) -> str:
    inner = value.get(key)
    return inner if isinstance(inner, str) else ""
