"""Contracts that no traffic could keep: what a pipeline's own stages rule out, whatever arrives.

How much a pipeline saves of what arrives is only known when it runs: `PhoenixContractBroken` watches that.
"""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.document import Path
from phoenix_gitops.model.pipeline import Pipeline, Predicate, ProcessMatch
from phoenix_gitops.promql.findings import Finding
from phoenix_gitops.rules.known import baseline
from phoenix_gitops.rules.terms import number
from phoenix_gitops.scope import EnvironmentScope

Located = tuple[PolicyRef, Path, Finding]


def contract_faults(env: EnvironmentScope) -> Iterator[Located]:
    """The promises of an environment's pipelines that are broken before anything runs."""
    base = baseline(env)
    for pipeline in env.pipelines:
        ref = PolicyRef("Pipeline", pipeline.metadata.name)
        found = [*_bounds(pipeline), *_preserved(pipeline)]
        if base is not None and pipeline is not base:
            found += _saves_nothing(pipeline)
        yield from ((ref, path, finding) for path, finding in found)


def _bounds(pipeline: Pipeline) -> Iterator[tuple[Path, Finding]]:
    contract = pipeline.spec.contract
    if contract.reduction_min > contract.reduction_max:
        least, most = number(contract.reduction_min), number(contract.reduction_max)
        yield (
            ("spec", "contract", "reductionMin"),
            _broken(f"at least `{least}` and at most `{most}` cannot both be saved", "raise `reductionMax`"),
        )


def _saves_nothing(pipeline: Pipeline) -> Iterator[tuple[Path, Finding]]:
    """A share to be saved where not a single series can be: nothing is dropped, and nothing becomes equal."""
    spec = pipeline.spec
    attributes = spec.attributes
    takes = spec.rollup is not None or spec.keep or spec.drop or attributes.drop or attributes.keep_only
    if spec.contract.reduction_min > 0 and not takes:
        share = number(spec.contract.reduction_min)
        yield (
            ("spec", "contract", "reductionMin"),
            _broken(
                f"pipeline `{pipeline.metadata.name}` promises to save `{share}` of the series, and saves none",
                "give it a `rollup`, `keep`, `drop` or `attributes.drop`, or take the promise back",
            ),
        )


def _preserved(pipeline: Pipeline) -> Iterator[tuple[Path, Finding]]:
    """Classes that are promised by name, and of which every process is dropped or summed up."""
    spec, name = pipeline.spec, pipeline.metadata.name
    for index, class_ in enumerate(spec.contract.preserve):
        how = ""
        if spec.rollup is not None and not spec.rollup.unless and _takes_class(spec.rollup.match, class_):
            how = "`rollup` sums up every process of it"
        elif spec.keep and spec.rollup is None and not any(_may_hold(predicate, class_) for predicate in spec.keep):
            how = "`keep` names none of its processes"
        elif not any(_may_hold(predicate, class_) for predicate in spec.keep) and any(
            _takes_class(predicate, class_) for predicate in spec.drop
        ):
            how = "`drop` takes every process of it"
        if how:
            yield (
                ("spec", "contract", "preserve", index),
                _broken(
                    f"pipeline `{name}` promises to show every process of class `{class_}`, and {how}",
                    "spare the class there, or take the promise back",
                ),
            )


def _takes_class(match: Predicate | ProcessMatch, class_: str) -> bool:
    """Whether a condition surely holds for every point of a class."""
    if match.executables is not None or (isinstance(match, Predicate) and match.metrics is not None):
        return False
    return not match.classes or class_ in match.classes


def _may_hold(match: Predicate, class_: str) -> bool:
    return not match.classes or class_ in match.classes


def _broken(message: str, advice: str) -> Finding:
    return Finding(code="PHX685", message=message, help=advice)
