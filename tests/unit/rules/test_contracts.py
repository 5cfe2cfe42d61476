"""Contracts of pipelines: what is impossible is told at compile time, the rest is watched by alerts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phoenix_gitops.model.pipeline import Pipeline
from phoenix_gitops.rules import alerts
from phoenix_gitops.rules.contracts import contract_faults
from phoenix_gitops.rules.group import Alert
from tests.unit.rules import support

EXPORT = [{"name": "p", "prometheus": {"port": 9999, "namespace": "own"}}]
ROLLUP = {"match": {"classes": ["low"]}, "into": "x", "by": ["host.name"]}


def env(**spec):
    own = support.named(Pipeline, "own", {"export": EXPORT, **spec})
    full = support.environment(names=("full",))
    return replace(full, pipelines=(*full.pipelines, own))


def faults(**spec):
    return [(".".join(map(str, path)), finding.message) for _, path, finding in contract_faults(env(**spec))]


def test_the_presets_keep_their_contracts():
    assert list(contract_faults(support.environment())) == []


NOTHING = [("spec.contract.reductionMin", "pipeline `own` promises to save `0.4` of the series, and saves none")]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, NOTHING),
        ({"attributes": {"set": {"a": "b"}}}, NOTHING),
        ({"attributes": {"drop": [{"name": "process.pid"}]}}, []),
        ({"attributes": {"keepOnly": ["process.owner"]}}, []),
        ({"drop": [{"classes": ["low"]}]}, []),
        ({"keep": [{"classes": ["high"]}]}, []),
        ({"rollup": ROLLUP}, []),
    ],
)
def test_a_share_that_nothing_could_save(parts, said):
    assert faults(contract={"reductionMin": 0.4}, **parts) == said


def test_the_baseline_saves_nothing_against_itself_and_nothing_is_asked():
    only = replace(env(), pipelines=env(contract={"reductionMin": 0.4}).pipelines[1:])
    assert list(contract_faults(only)) == []


def test_bounds_in_the_wrong_order():
    assert faults(contract={"reductionMin": 0.5, "reductionMax": 0.4}, rollup=ROLLUP) == [
        ("spec.contract.reductionMin", "at least `0.5` and at most `0.4` cannot both be saved")
    ]


@pytest.mark.parametrize(
    ("parts", "how"),
    [
        ({"drop": [{"classes": ["low", "high"]}]}, "`drop` takes every process of it"),
        ({"drop": [{"classes": ["high"], "metrics": "x"}]}, ""),
        ({"drop": [{"classes": ["high"], "executables": "x"}]}, ""),
        ({"drop": [{"classes": ["low"]}]}, ""),
        ({"keep": [{"classes": ["low"]}]}, "`keep` names none of its processes"),
        ({"keep": [{"classes": ["low"]}, {"classes": ["high"]}]}, ""),
        ({"keep": [{"executables": "x"}]}, ""),
        ({"keep": [{"classes": ["low"]}], "rollup": ROLLUP}, ""),
        ({"rollup": {**ROLLUP, "match": {"classes": ["high"]}}}, "`rollup` sums up every process of it"),
        ({"rollup": {**ROLLUP, "match": {"classes": ["high"]}, "unless": [{"executables": "x"}]}}, ""),
        ({"rollup": {**ROLLUP, "match": {"classes": ["high"], "executables": "x"}}}, ""),
    ],
)
def test_a_class_of_which_nothing_stays(parts, how):
    said = f"pipeline `own` promises to show every process of class `high`, and {how}"
    assert faults(contract={"preserve": ["high"]}, **parts) == ([("spec.contract.preserve.0", said)] if how else [])


def test_what_only_traffic_can_tell_is_an_alert():
    scope = support.cluster_scope(env(contract={"reductionMin": 0.4, "reductionMax": 0.6}, rollup=ROLLUP))
    broken = [
        rule.expr
        for group in alerts.groups(scope)
        for rule in group.rules
        if isinstance(rule, Alert) and rule.alert == "PhoenixContractBroken"
    ]
    series = 'phoenix:cardinality_efficiency_ratio{phoenix_pipeline="own"}'
    assert broken == [f"{series} < 0.4", f"{series} > 0.6"]
