"""Documents that hold CRDs, from bytes or a URL, within limits of size, depth and time."""

from __future__ import annotations

import json
from typing import Any

from phoenix_gitops.verify.access import Mapping

MAX_BYTES = 64 * 1024 * 1024
"""A source larger than this is refused; all CRDs of a busy cluster are 15 MB."""
MAX_DEPTH = 120
"""YAML nested deeper is refused before it is composed: the C composer recurses without a limit."""
TIMEOUT = 20.0
"""Seconds for one answer of a server."""


class RefusedError(Exception):
    """A source cannot be used; the text says why. `fetch` makes a diagnostic of it."""


def download(url: str) -> bytes:
    """The content of an https or file URL, within limits of size and time."""
    import urllib.error
    import urllib.request

    if not url.startswith(("https://", "file:///")):
        raise RefusedError("is neither an `https` nor a `file` URL")
    # An opener of our own: the default one would follow a redirect to http or ftp.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPSHandler,
        urllib.request.FileHandler,
        urllib.request.ProxyHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    try:
        with opener.open(url, timeout=TIMEOUT) as answer:
            content: bytes = answer.read(MAX_BYTES + 1)
    except urllib.error.HTTPError as error:
        with error:
            raise RefusedError(f"was answered with status {error.code}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "no answer"
        raise RefusedError(f"cannot be read: {reason}") from error
    return content


def parse_documents(content: bytes) -> list[Mapping]:
    """The mappings in a JSON document or a YAML stream; refuses what is too large, too deep or uses aliases."""
    if len(content) > MAX_BYTES:
        raise RefusedError(f"is larger than {MAX_BYTES} bytes")
    if content.lstrip()[:1] == b"{":
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            pass
        else:
            return [document] if isinstance(document, dict) else []
    import yaml

    try:
        _check_events(content)
        documents: list[Any] = list(yaml.load_all(content, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, ValueError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        where = f" in line {line + 1}" if line is not None else ""
        raise RefusedError(f"is neither JSON nor YAML{where}") from error
    return [document for document in documents if isinstance(document, dict)]


def _check_events(content: bytes) -> None:
    import yaml

    depth = 0
    for event in yaml.parse(content, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise RefusedError("uses YAML aliases")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise RefusedError(f"is nested deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
