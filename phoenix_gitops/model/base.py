"""What all kinds share: the envelope, the units of their fields and how a model becomes a schema.

Every field carries its description, unit, bounds and examples: the JSON Schema, the kind reference and the
decoding all come from here. Names are snake_case in Python and camelCase in policies.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

API_VERSION = "policy.phoenix.io/v1alpha1"

NAME_PATTERN = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
DURATION_PATTERN = "^([0-9]+(ms|s|m|h|d|w|y))+$"
QUANTITY_PATTERN = "^[0-9]+([.][0-9]+)?(m|k|K|Ki|M|Mi|G|Gi|T|Ti)?$"
LABEL_VALUE_PATTERN = "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"

Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=40,
        pattern=NAME_PATTERN,
        description="RFC 1123 label of at most 40 characters, which leaves room for suffixes.",
    ),
]
Duration = Annotated[
    str,
    Meta(pattern=DURATION_PATTERN, examples=["15s", "30d"], extra_json_schema={"x-phoenix-unit": "duration"}),
]
Quantity = Annotated[
    str,
    Meta(pattern=QUANTITY_PATTERN, examples=["512Mi", "500m"], extra_json_schema={"x-phoenix-unit": "quantity"}),
]
Money = Annotated[
    str,
    Meta(pattern="^[0-9]+([.][0-9]+)?$", examples=["0.10"], extra_json_schema={"x-phoenix-unit": "money"}),
]
Ratio = Annotated[float, Meta(ge=0, le=1, extra_json_schema={"x-phoenix-unit": "ratio"})]
Port = Annotated[int, Meta(ge=1, le=65535, extra_json_schema={"x-phoenix-unit": "port"})]
Cidr = Annotated[
    str,
    Meta(
        pattern="^[0-9a-fA-F.:]+/[0-9]{1,3}$",
        examples=["10.0.0.0/8"],
        extra_json_schema={"x-phoenix-unit": "cidr"},
    ),
]
Regex = Annotated[
    str,
    Meta(min_length=1, max_length=1000, extra_json_schema={"x-phoenix-unit": "re2"}),
]
PromQL = Annotated[
    str,
    Meta(min_length=1, max_length=4000, extra_json_schema={"x-phoenix-unit": "promql"}),
]
LabelValue = Annotated[str, Meta(max_length=63, pattern=LABEL_VALUE_PATTERN)]
Labels = dict[str, LabelValue]


def reference(kind: str) -> dict[str, Any]:
    """The schema keyword that marks a field as the name of another policy of `kind`."""
    return {"x-phoenix-ref": kind}


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """The base of every part of a policy: frozen, closed, camelCase outside."""


class Metadata(Model, frozen=True, kw_only=True):
    """Who a policy is and whose it is."""

    name: Annotated[Name, Meta(description="The policy's name, unique among policies of its kind.")]
    owner: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=63,
            pattern=LABEL_VALUE_PATTERN,
            description="The team that answers for this policy; every object compiled from it says so.",
            examples=["team-checkout"],
        ),
    ]
    labels: Annotated[
        Labels,
        Meta(description="Labels put on every object that the policy owns; selectors match those of environments."),
    ] = {}


class Selector(Model, frozen=True, kw_only=True):
    """Which environments a policy applies to; all of the conditions must hold."""

    match_labels: Annotated[
        dict[str, str],
        Meta(
            description="Labels that the environment must bear. Besides its own metadata.labels each environment "
            "bears `name`, `class`, `ring`, `maturity` and `residency`.",
            examples=[{"class": "prod"}],
        ),
    ] = {}


class Resources(Model, frozen=True, kw_only=True):
    """Requests and limits of one container."""

    cpu_request: Annotated[Quantity, Meta(description="CPU that is reserved, in cores.", examples=["500m"])]
    memory_request: Annotated[Quantity, Meta(description="Memory that is reserved, in bytes.", examples=["512Mi"])]
    cpu_limit: Annotated[Quantity, Meta(description="CPU that is allowed, in cores.", examples=["1"])]
    memory_limit: Annotated[
        Quantity,
        Meta(
            description="Memory that is allowed, in bytes. The collector's memory_limiter and GOMEMLIMIT follow from it.",
            examples=["1Gi"],
        ),
    ]


class Replicas(Model, frozen=True, kw_only=True):
    """How many copies of a workload run; where `max` is above `min` an autoscaler owns the number."""

    min: Annotated[int, Meta(ge=1, le=1000, description="The fewest replicas.")] = 1
    max: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="The most replicas; absent means `min`.")] = None
    target_cpu: Annotated[
        Ratio,
        Meta(description="CPU use (of the request) at which the autoscaler adds a replica.", examples=[0.7]),
    ] = 0.7


class Patch(Model, frozen=True, kw_only=True):
    """A change to objects after they are rendered and before they are checked."""

    target: Annotated[PatchTarget, Meta(description="Which objects are changed.")]
    patch: Annotated[
        dict[str, Any],
        Meta(
            description="Merged into each object: maps deep, lists of named objects by name, `$patch: delete` removes, "
            "null deletes a key."
        ),
    ]


class PatchTarget(Model, frozen=True, kw_only=True):
    """Which objects an override changes; `*` in a name matches any characters."""

    kind: Annotated[str, Meta(description="The object's kind.", examples=["Deployment"])]
    name: Annotated[str, Meta(description="The object's name.", examples=["gateway"])] = "*"
    namespace: Annotated[str, Meta(description="The object's namespace.")] = "*"
    component: Annotated[str, Meta(description="The component that the object belongs to.", examples=["ingest"])] = "*"
