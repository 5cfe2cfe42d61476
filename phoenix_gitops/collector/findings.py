"""What a check of a collector config finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One fault of a config: `path` leads to it from the top, with dots."""

    code: str
    path: str
    message: str
    help: str = ""


def join(path: str, *keys: str | int) -> str:
    """The path of something below `path`."""
    return ".".join([*([path] if path else []), *(str(key) for key in keys)])
