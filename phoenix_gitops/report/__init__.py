"""Diagnostics drawn for a reader: pure functions from diagnostics and file texts to one string."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.report import concise, github, json, sarif, text


class Reporter(Protocol):
    """A format. Its string ends in a newline unless it is empty."""

    def __call__(self, diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], *, color: bool = False) -> str:
        """Render `diagnostics` in the given order; `sources` maps a span's file to its text.

        Only formats for terminals know colours; the others ignore `color`.
        """
        ...


REPORTERS: dict[str, Reporter] = {
    "text": text.render,
    "concise": concise.render,
    "json": json.render,
    "github": github.render,
    "sarif": sarif.render,
}
