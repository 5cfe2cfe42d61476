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
    Code("PHX101", "not-utf8", "a file is not UTF-8"),
    Code("PHX102", "byte-order-mark", "a file begins with a byte order mark"),
    Code("PHX103", "control-character", "a file or value holds a control or invisible character"),
    Code("PHX104", "empty-file", "a policy file holds no document"),
    Code("PHX105", "not-a-mapping", "the top of a policy file is not a mapping"),
    Code("PHX106", "invalid-yaml", "a file is not valid YAML"),
    Code("PHX107", "duplicate-key", "a mapping has the same key twice"),
    Code("PHX108", "anchor-or-alias", "a policy uses a YAML anchor or alias"),
    Code("PHX109", "merge-key", "a policy uses a YAML merge key"),
    Code("PHX110", "yaml-tag", "a policy uses a YAML tag"),
    Code("PHX111", "yaml-directive", "a policy uses a YAML directive"),
    Code("PHX112", "several-documents", "a file holds more than one document"),
    Code("PHX113", "non-text-key", "a key is not text"),
    Code("PHX114", "nested-too-deep", "a policy is nested too deep"),
    Code("PHX115", "file-too-large", "a policy file is too large"),
    Code("PHX116", "too-many-values", "a policy file holds too many values"),
    Code("PHX117", "ambiguous-scalar", "a plain scalar means different things to YAML 1.1 and 1.2"),
    Code("PHX118", "non-finite-number", "a number is infinite or not a number"),
    Code("PHX119", "integer-overflow", "an integer does not fit into 64 bit"),
    Code("PHX120", "symbolic-link", "a policy file or folder is a symbolic link"),
    Code("PHX121", "not-a-regular-file", "a policy is a device, pipe, socket or folder"),
    Code("PHX122", "unreadable-file", "a policy file or folder cannot be read"),
    Code("PHX123", "wrong-file-ending", "a policy file does not end in .yaml"),
    Code("PHX124", "too-many-files", "the policies are too many or too large in all"),
    Code("PHX125", "bad-file-name", "a file name holds a character that no path may hold"),
    # 2xx one document's form
    # 3xx resolution
    # 4xx guardrails
    # 5xx references and relations
    # 6xx templates, emitters and overrides
    Code("PHX670", "missing-cluster-fact", "a network policy needs a fact that the cluster does not give"),
    Code("PHX671", "reserved-namespace", "a tenant claims a namespace of the cluster or of the platform"),
    Code("PHX672", "incoherent-limits", "a container's limit is below its request or above the allowed ratio"),
    Code("PHX673", "quota-below-gateway", "a tenant's quota is too small for the gateway in its namespace"),
    Code("PHX674", "output-location", "the place that the compiled tree is committed to cannot be one"),
    Code("PHX675", "kind-not-allowed", "a component holds a kind of object that its project does not allow"),
    Code("PHX676", "application-name-clash", "two clusters give their Argo CD Applications the same names"),
    # 7xx generated objects
    # 8xx writing
    # 9xx git and tools
)

CODES: dict[str, Code] = {row.code: row for row in _TABLE}
