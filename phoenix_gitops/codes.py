"""The table of diagnostic codes: one row a code; `docs/codes/<CODE>.md` and a bad case bear the same name.

Ranges: 1xx reading and parsing, 2xx one document's form, 3xx resolution, 4xx guardrails, 5xx references and
relations, 6xx templates, emitters and overrides, 7xx generated objects, 8xx writing, 9xx git and tools.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A diagnostic code: `slug` names the fault, `meaning` says it in one line."""

    code: str
    slug: str
    meaning: str


_TABLE: tuple[Code, ...] = (
    # 1xx reading and parsing
    # 2xx one document's form
    # 3xx resolution
    # 4xx guardrails
    # 5xx references and relations
    # 6xx templates, emitters and overrides
    Code("PHX670", "missing-cluster-fact", "a network policy needs a fact that the cluster does not give"),
    # 7xx generated objects
    # 8xx writing
    # 9xx git and tools
)

CODES: dict[str, Code] = {row.code: row for row in _TABLE}
