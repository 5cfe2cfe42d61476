"""What we sent against what the server keeps: every value, and who owns which field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from phoenix_gitops.paths import show_path
from tests.proof.cluster.client import Object

_IDENTITY = {"apiVersion", "kind"}
_NAMES = {"name", "namespace"}
"""Never owned by a manager: what an object is called and where it is."""


def differences(sent: Any, found: Any, path: tuple[str | int, ...] = ()) -> Iterator[str]:
    """Where the server keeps something else than we sent; what it adds to maps is its own business.

    Nothing is normalised. A quantity that is not written as the server writes it would be out of sync for ever.
    """
    if isinstance(sent, dict) and isinstance(found, dict):
        for key, value in sent.items():
            if key in found:
                yield from differences(value, found[key], (*path, key))
            else:
                yield f"{show_path((*path, key))}: gone; sent {json.dumps(value)}"
    elif isinstance(sent, list) and isinstance(found, list) and len(sent) == len(found):
        for i, (one, other) in enumerate(zip(sent, found, strict=True)):
            yield from differences(one, other, (*path, i))
    elif type(sent) is not type(found) or sent != found:
        yield f"{show_path(path)}: {json.dumps(found)}; sent {json.dumps(sent)}"


def ownership(sent: Object, found: Object, manager: str) -> Iterator[str]:
    """Where the fields that `manager` owns are not exactly those that we sent."""
    entries = [
        entry
        for entry in found["metadata"]["managedFields"]
        if (entry["manager"], entry["operation"], entry.get("subresource", "")) == (manager, "Apply", "")
    ]
    if len(entries) != 1:
        yield f"{manager} applied with {len(entries)} sets of fields"
        return
    body = {key: value for key, value in sent.items() if key not in _IDENTITY}
    if metadata := {key: value for key, value in sent["metadata"].items() if key not in _NAMES}:
        body["metadata"] = metadata
    else:
        del body["metadata"]
    yield from _owned(entries[0]["fieldsV1"], body, ())


def _owned(fields: dict[str, Any], body: Any, path: tuple[str | int, ...]) -> Iterator[str]:
    """`fields` is a set of fields as the server writes it; an empty one stands for the whole value."""
    if not fields:
        return
    inner = {key: value for key, value in fields.items() if key != "."}
    steps = {key: _step(key, body) for key in inner}
    for key, step in steps.items():
        if step is None:
            yield f"{show_path(path)}: owns {key}, which we did not send"
        else:
            yield from _owned(inner[key], body[step], (*path, step))
    for step in sorted(_steps(body) - set(steps.values()), key=str):
        yield f"{show_path((*path, step))}: sent, not owned"


def _steps(body: Any) -> set[str | int]:
    if isinstance(body, dict):
        return set(body)
    return set(range(len(body))) if isinstance(body, list) else set()


def _step(key: str, body: Any) -> str | int | None:
    """The key or index in `body` that a path element of the server means, None if there is no such thing."""
    form, _, text = key.partition(":")
    if form == "f":
        return text if isinstance(body, dict) and text in body else None
    if not isinstance(body, list):
        return None
    if form == "i":
        return int(text) if int(text) < len(body) else None
    wanted = json.loads(text)
    for i, item in enumerate(body):
        if item == wanted if form == "v" else isinstance(item, dict) and wanted.items() <= item.items():
            return i
    return None
