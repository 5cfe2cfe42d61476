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
    Code("PHX401", "guardrail-violated", "a policy breaks a rule of the organisation"),
    Code("PHX402", "guardrail-unreadable", "a guardrail is not valid CUE or names something that does not exist"),
    Code("PHX403", "guardrail-import", "a guardrail imports more than CUE's packages that only compute"),
    Code("PHX404", "guardrail-attribute", "a guardrail has an attribute"),
    Code("PHX405", "guardrail-not-evaluated", "a guardrail contradicts itself or needs a field that is absent"),
    Code("PHX406", "violation-form", "a violation is not of the form {path, message}"),
    Code("PHX407", "guardrail-silent", "a guardrail can object to nothing"),
    Code("PHX408", "guardrail-limit", "a guardrail takes more time, memory or output than it may"),
    Code("PHX409", "violation-blames-nothing", "a violation names a policy that does not exist"),
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
    Code("PHX630", "unknown-collector-version", "no component table describes the collector's version"),
    Code(
        "PHX631", "unknown-collector-component", "a collector config names a component that its version does not have"
    ),
    Code("PHX632", "unknown-collector-key", "a collector config has a key that its component does not know"),
    Code("PHX633", "collector-reference", "a component is used but not defined, or defined but not used"),
    Code(
        "PHX634",
        "collector-wrong-kind",
        "a component stands where another kind belongs, or a connector has one end only",
    ),
    Code("PHX635", "collector-cycle", "a collector's pipeline feeds itself"),
    Code("PHX636", "collector-order", "memory_limiter is not first, or batch not last"),
    Code("PHX637", "collector-figures", "figures of memory, batch or retry contradict each other"),
    Code("PHX638", "queue-storage-missing", "a queue's storage is no enabled extension"),
    Code("PHX639", "bare-dollar", "a dollar sign would be expanded by the collector"),
    Code("PHX640", "port-clash", "two listeners of a pod claim one port"),
    Code("PHX641", "probe-without-health-check", "a pod's probes ask a port where nothing answers"),
    Code("PHX642", "pipeline-stage", "a pipeline uses what belongs to the other stage"),
    Code("PHX643", "export-off", "a pipeline has no export that is on, or an export half of a key"),
    Code("PHX644", "unknown-priority-class", "a condition names a class that nothing gets"),
    Code("PHX645", "dead-condition", "a condition of a pipeline matches everything or can never decide"),
    Code("PHX646", "unscrapable", "collectors cannot be scraped for want of a fact of the cluster"),
    Code("PHX647", "export-unreachable", "no declared destination lets an export out"),
    Code("PHX648", "rollup-would-lie", "a roll-up could not sum or count what it promises"),
    Code("PHX670", "missing-cluster-fact", "a network policy needs a fact that the cluster does not give"),
    Code("PHX671", "reserved-namespace", "a tenant claims a namespace of the cluster or of the platform"),
    Code("PHX672", "incoherent-limits", "a container's limit is below its request or above the allowed ratio"),
    Code("PHX673", "quota-below-gateway", "a tenant's quota is too small for the gateway in its namespace"),
    Code("PHX674", "output-location", "the place that the compiled tree is committed to cannot be one"),
    Code("PHX675", "kind-not-allowed", "a component holds a kind of object that its project does not allow"),
    Code("PHX676", "application-name-clash", "two clusters give their Argo CD Applications the same names"),
    Code("PHX690", "emitter-unusable", "a third-party emitter that the platform names cannot be used"),
    # 7xx generated objects
    Code("PHX700", "kind-not-checked", "a custom resource's kind has no schema to check it against"),
    Code("PHX701", "unknown-object-kind", "a generated object has a kind that the cluster does not know"),
    Code("PHX702", "api-version-not-served", "a generated object has an apiVersion that the cluster does not serve"),
    Code("PHX703", "unknown-object-field", "a generated object has a field that its kind does not have"),
    Code("PHX704", "missing-object-field", "a generated object lacks a field that its kind needs"),
    Code("PHX705", "wrong-object-type", "a field of a generated object has a value of another type than it takes"),
    Code("PHX706", "invalid-object-value", "a field of a generated object has a value that it does not take"),
    Code("PHX710", "invalid-object-name", "a name in a generated object breaks the rules of its kind"),
    Code("PHX711", "invalid-label", "a label's key or value is not well-formed"),
    Code("PHX712", "invalid-annotation", "an annotation's key is not well-formed, or annotations are too large"),
    Code("PHX713", "invalid-quantity", "a quantity is not well-formed, negative or a fraction of a byte"),
    Code("PHX714", "request-above-limit", "a container requests more than its limit"),
    Code("PHX715", "invalid-port", "a port's number or name is not one"),
    Code("PHX716", "invalid-object-duration", "a duration is not one that its controller can read"),
    Code("PHX718", "duplicate-entry", "two entries exclude each other or have the same key"),
    Code("PHX719", "dangling-volume-mount", "a container mounts a volume that its pod does not have"),
    Code("PHX720", "object-too-large", "a ConfigMap comes near the size that the API server refuses"),
    Code("PHX721", "secret-in-git", "a Secret with data would be committed"),
    Code("PHX722", "floating-image", "an image has no tag or one that moves"),
    Code("PHX723", "dangling-probe-port", "a probe asks a port that its container does not have"),
    Code("PHX724", "selector-misses-template", "a workload's selector does not match its own pods"),
    Code("PHX725", "budget-blocks-drain", "a disruption budget never lets a pod go"),
    Code("PHX726", "replicas-owned-twice", "a workload sets replicas that an autoscaler owns"),
    Code("PHX727", "pod-not-restricted", "a pod does not meet the Pod Security level of its namespace"),
    Code("PHX728", "missing-resources", "a container lacks requests or a memory limit"),
    Code("PHX729", "rights-too-broad", "a role or binding grants more than a component may have"),
    Code("PHX730", "wrong-object-scope", "an object has a namespace and must not, or has none and must"),
    Code("PHX731", "missing-probe", "a container of a serving workload has no probe"),
    Code("PHX732", "no-network-policy", "no network policy selects a workload's pods"),
    Code("PHX733", "no-disruption-budget", "a workload of several replicas has no disruption budget"),
    Code("PHX734", "no-topology-spread", "a workload of several replicas may run on one node"),
    Code("PHX740", "dangling-object-reference", "an object refers to one that does not exist"),
    Code("PHX741", "missing-namespace", "an object's namespace does not exist"),
    Code("PHX742", "selects-nothing", "a selector matches no pod"),
    Code("PHX743", "dangling-target-port", "a Service sends to a port that its pods do not have"),
    Code("PHX744", "duplicate-object", "two files make the same object"),
    Code("PHX745", "name-clash", "two objects or files differ only in case"),
    Code("PHX746", "missing-role", "a binding refers to a role that does not exist"),
    Code("PHX747", "missing-project", "an Application names a project that does not exist"),
    Code("PHX748", "destination-not-allowed", "an Application goes where its project does not let it"),
    Code("PHX749", "kind-not-allowed-by-project", "an Application brings a kind that its project does not let in"),
    Code("PHX750", "kubernetes-not-known", "there are no schemas of a cluster's Kubernetes version"),
    Code("PHX751", "damaged-schema", "the schema of a custom resource's kind is damaged"),
    Code("PHX760", "crd-source-unreadable", "a source of CRDs cannot be read"),
    Code("PHX761", "no-crd-found", "a source holds no CRD, or not the wanted one"),
    Code("PHX762", "pattern-not-checked", "a pattern of a CRD cannot be checked outside an API server"),
    # 8xx writing
    # 9xx git and tools
    Code("PHX931", "missing-tool", "a program that is needed is not installed"),
    Code("PHX932", "tool-too-old", "a program is older than the oldest version that is known to work"),
    Code("PHX933", "tool-broken", "a program does not run, or does not say its version"),
)

CODES: dict[str, Code] = {row.code: row for row in _TABLE}
