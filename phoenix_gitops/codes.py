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
    Code("PHX201", "unknown-kind", "the kind is not one that policies have"),
    Code("PHX202", "unknown-field", "a field that its kind does not have"),
    Code("PHX203", "wrong-type", "a value of another type than its field takes"),
    Code("PHX204", "missing-field", "a required field that no document gives"),
    Code("PHX205", "unknown-choice", "a value that is not one of its field's choices"),
    Code("PHX206", "out-of-bounds", "a value that is not well-formed or out of its bounds"),
    Code("PHX207", "kind-not-compiled", "a kind of the design that this version does not compile yet"),
    # 3xx resolution
    Code("PHX301", "duplicate-policy", "two policies of one kind have the same name"),
    Code("PHX302", "unknown-base", "a policy extends one that does not exist"),
    Code("PHX303", "circular-base", "policies extend each other in a circle"),
    Code("PHX304", "duplicate-item", "two items of a list that is merged by name have the same name"),
    # 4xx guardrails
    # 5xx references and relations
    Code("PHX501", "no-platform", "there is no Platform policy in phoenix.yaml"),
    Code("PHX502", "no-environment", "there is no environment to compile"),
    Code("PHX503", "unknown-reference", "a field names a policy that does not exist"),
    Code("PHX504", "compiler-version", "the platform asks for another version of the compiler"),
    Code("PHX505", "unknown-ring", "an environment's ring is none of the platform's"),
    Code("PHX506", "shared-cluster", "two environments have the same API server"),
    Code("PHX507", "wrong-stage", "a pipeline is used at a stage that it is not for"),
    Code("PHX508", "export-form", "an export has not exactly one destination"),
    Code("PHX509", "unknown-export", "an environment switches on an export that no pipeline has"),
    Code("PHX510", "shared-namespace", "a namespace belongs to two tenants of one environment"),
    Code("PHX511", "account-clash", "two tenants have the same account id"),
    Code("PHX512", "indicator-form", "an SLO's indicator is not exactly one of its forms"),
    # 6xx templates, emitters and overrides
    Code("PHX670", "missing-cluster-fact", "a network policy needs a fact that the cluster does not give"),
    Code("PHX671", "reserved-namespace", "a tenant claims a namespace of the cluster or of the platform"),
    Code("PHX672", "incoherent-limits", "a container's limit is below its request or above the allowed ratio"),
    Code("PHX673", "quota-below-gateway", "a tenant's quota is too small for the gateway in its namespace"),
    Code("PHX674", "output-location", "the place that the compiled tree is committed to cannot be one"),
    Code("PHX675", "kind-not-allowed", "a component holds a kind of object that its project does not allow"),
    Code("PHX676", "application-name-clash", "two clusters give their Argo CD Applications the same names"),
    Code("PHX690", "emitter-unusable", "a third-party emitter that the platform names cannot be used"),
    # 7xx generated objects
    # 8xx writing
    # 9xx git and tools
)

CODES: dict[str, Code] = {row.code: row for row in _TABLE}
