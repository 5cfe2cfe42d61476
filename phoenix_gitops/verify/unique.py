"""Lists whose entries are told apart by a key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from phoenix_gitops.verify.finding import Fault, ObjectPath


def check_unique(values: Sequence[tuple[ObjectPath, object]], what: str, key: str) -> Iterator[Fault]:
    """No two entries of a list with one key, which server-side apply refuses."""
    if len(values) < 2:
        return
    seen: set[object] = set()
    for at, value in values:
        if value is None or isinstance(value, dict | list):
            continue
        if value in seen:
            yield Fault(
                at=(*at, key), code="PHX718", message=f"{what} `{value}` is given twice", help="keep one of them"
            )
        seen.add(value)
