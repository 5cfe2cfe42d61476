"""What edge and pipeline leave of processes behind a Prometheus exporter: which metrics, and which labels they bear.

Clients may send attributes of their own, so this is no list of all labels: it is for telling two states apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from phoenix_gitops.collector.gateway import STRATEGY
from phoenix_gitops.collector.identity import SENDER, TENANT
from phoenix_gitops.collector.ottl import EXECUTABLE, PRIORITY
from phoenix_gitops.model.pipeline import Attributes, Pipeline, PipelineSpec, Predicate, Rollup
from phoenix_gitops.scope import EnvironmentScope

SUMS = ""
"""Stands beside the priority classes for what is rolled up."""

_ALWAYS = frozenset({*SENDER, TENANT, EXECUTABLE})
_TAGS = frozenset({STRATEGY, "deployment.environment", "k8s.node.name"})
_OF_PROCESSES = "process."


def named(env: EnvironmentScope) -> frozenset[str]:
    """The attributes that an environment's pipelines name: senders are known to have them."""
    found: set[str] = set()
    for pipeline in (env.edge, *env.pipelines):
        attributes = pipeline.spec.attributes
        found |= {one.name for one in attributes.drop} | set(attributes.keep_only)
        found |= set(pipeline.spec.rollup.by) if pipeline.spec.rollup else set()
    return frozenset(found)


def labels(env: EnvironmentScope, pipeline: Pipeline, known: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """The labels by priority class, and of `SUMS`; a class of which nothing comes out is absent.

    Args:
        env: where the pipeline runs.
        pipeline: one of the environment's.
        known: attributes that senders may have, besides those that the node agent reads.

    """
    edge, spec, redact = env.edge.spec, pipeline.spec, frozenset(env.security.spec.redact)
    hostmetrics = edge.inputs.hostmetrics
    read = frozenset(hostmetrics.process_attributes) if hostmetrics else frozenset[str]()
    sent = {name for name in known if not name.startswith(_OF_PROCESSES)}
    came = read | sent | _ALWAYS | _TAGS | {PRIORITY}
    classification = edge.classification
    classes = {one.name for one in classification.classes} | {classification.default} if classification else set()
    found: dict[str, frozenset[str]] = {}
    for class_ in sorted(classes):
        if _comes_out(edge, class_) and _comes_out(spec, class_):
            left = _left(edge.attributes, came, class_) - redact
            found[class_] = _as_labels(_left(spec.attributes, left, class_) - redact)
    if spec.rollup is not None:
        found[SUMS] = _as_labels(_summed(spec.rollup, spec.attributes, came) - redact)
    return found


def is_dropped(pipeline: Pipeline, metric: str) -> bool:
    """Whether a pipeline drops a metric (its name in OTLP) whatever bears it."""
    spec = pipeline.spec
    return not spec.keep and any(
        one.metrics is not None and re.fullmatch(one.metrics, metric) is not None and _only(one, metrics=True)
        for one in spec.drop
    )


def _only(predicate: Predicate, *, metrics: bool = False) -> bool:
    """Whether a predicate asks for nothing else: classes always may be asked for, metrics if it is said."""
    return not predicate.executables and (not predicate.classes if metrics else predicate.metrics is None)


def _comes_out(spec: PipelineSpec, class_: str) -> bool:
    """Whether any process of a class may be left, by its own name."""
    rollup = spec.rollup
    if (
        rollup is not None
        and not rollup.unless
        and not rollup.match.executables
        and _fits(rollup.match.classes, class_)
    ):
        return False
    if spec.keep:
        return any(_fits(one.classes, class_) for one in spec.keep)
    return not any(_only(one) and one.classes and class_ in one.classes for one in spec.drop)


def _fits(classes: list[str], class_: str) -> bool:
    return not classes or class_ in classes


def _left(attributes: Attributes, came: frozenset[str], class_: str) -> frozenset[str]:
    found = came | attributes.set.keys() | {one.name for one in attributes.grade}
    found -= {one.name for one in attributes.drop if class_ not in one.unless}
    return found & {*attributes.keep_only, *_ALWAYS} if attributes.keep_only else found


def _summed(rollup: Rollup, attributes: Attributes, came: frozenset[str]) -> frozenset[str]:
    """What sums bear: `keepOnly` spares them."""
    kept = {*rollup.by, *_ALWAYS, *_TAGS, *attributes.set, *(one.name for one in attributes.grade)}
    return (came | attributes.set.keys()) & kept - {one.name for one in attributes.drop}


def _as_labels(attributes: Iterable[str]) -> frozenset[str]:
    return frozenset(as_label(name) for name in attributes)


def as_label(attribute: str) -> str:
    """The label that an attribute becomes."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", attribute)
