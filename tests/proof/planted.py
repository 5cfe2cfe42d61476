"""Faults to plant into our own output: what each is, our code for it, and what an API server says to it.

A row takes a copy of an object that we compile and spoils it in one respect, or makes an object beside it, of a kind
that we do not emit yet. `test_planted_faults.py` has both judges say what they say; `docs/planted-faults.md` is written
from the table, `planted_table.py` (`python -m tests.tables`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]
Path = tuple[str | int, ...]
Change = Callable[[Body], Body | None]
"""Changes the copy in place, or gives a new object that stands beside the original."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One fault. Without `said` the server takes the object; without `code` only the server sees the fault."""

    fault: str
    of: str
    """Kind and name of the object, as `Deployment phoenix-gateway/gateway`."""
    change: Change
    code: str = ""
    said: str = ""
    """Words of the server's refusal."""
    why: str = ""
    """Why only one of the two sees it."""
    first: bool = False
    """Whether the good object is there already when the spoilt one is applied."""


def put(*path: Any) -> Change:
    """Set the last but one step of a path to the last."""

    def change(body: Body) -> None:
        node: Any = body
        for step in path[:-2]:
            node = node[step]
        node[path[-2]] = path[-1]

    return change


def drop(*path: Any) -> Change:
    """Take a field away."""

    def change(body: Body) -> None:
        node: Any = body
        for step in path[:-1]:
            node = node[step]
        del node[path[-1]]

    return change


def twice(*path: Any) -> Change:
    """The first item of a list once more at its end."""

    def change(body: Body) -> None:
        node: Any = body
        for step in path:
            node = node[step]
        node.append(node[0])

    return change


def beside(api_version: str, kind: str, make: Callable[[Body], Body]) -> Change:
    """An object of another kind with the name and namespace of the original; `make` gives its other fields."""

    def change(body: Body) -> Body:
        metadata = {key: body["metadata"][key] for key in ("name", "namespace")}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **make(body)}

    return change
