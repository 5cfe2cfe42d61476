"""Relations of pipelines: each fault with policy, path and words; the presets have none."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.collector.lint import lint_pipelines
from tests.unit.collector.scopes import environment, pipeline, preset

OTLP = {"endpoint": "https://x.example.com"}


def faults(**parts: Any) -> list[tuple[str, str, str, str]]:
    return [
        (str(f.policy), ".".join(str(part) for part in f.path), f.code, f.message)
        for f in lint_pipelines(environment(**parts))
    ]


def of(name: str, patch: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The faults of one preset, changed."""
    parts: dict[str, Any] = {"edge": preset("edge", patch)} if name == "edge" else {"pipelines": (preset(name, patch),)}
    found = faults(**parts)
    assert all(policy == f"Pipeline/{name}" for policy, *_ in found)
    return [(path, code, message) for _, path, code, message in found]


@pytest.mark.parametrize("exports", [[], ["newrelic"]])
def test_the_presets_have_no_fault(exports: list[str]):
    assert faults(spec={"exports": exports}) == []


@pytest.mark.parametrize(
    ("name", "patch", "path", "code", "message"),
    [
        (
            "edge",
            {"rollup": {"match": {"classes": ["low"]}, "into": "x", "by": ["host.name"]}},
            "spec.rollup",
            "PHX642",
            "an edge pipeline cannot roll up: the gateway's pipelines would no longer see processes",
        ),
        (
            "edge",
            {"export": [{"name": "x", "otlpHttp": OTLP}]},
            "spec.export",
            "PHX642",
            "an edge pipeline has no exports: its output goes to the gateway",
        ),
        (
            "edge",
            {"inputs": {"hostmetrics": None, "otlp": None, "prometheus": None}},
            "spec.inputs",
            "PHX642",
            "the edge pipeline collects nothing",
        ),
        (
            "edge",
            {"inputs": {"otlp": {"httpPort": 4317}}},
            "spec.inputs.otlp.httpPort",
            "PHX640",
            "port `4317` of the agent is taken by `grpcPort`",
        ),
        (
            "edge",
            {"inputs": {"otlp": {"grpcPort": 8887}}},
            "spec.inputs.otlp.grpcPort",
            "PHX640",
            "port `8887` of the agent is taken by the collector's own metrics",
        ),
        (
            "edge",
            {"batch": {"timeout": "15s"}},
            "spec.batch.timeout",
            "PHX648",
            "batches of `15s` can hold two readings of `15s`, which a roll-up would add up",
        ),
        (
            "edge",
            {"inputs": {"hostmetrics": {"processAttributes": ["process.executable.name"]}}},
            "spec.inputs.hostmetrics.processAttributes",
            "PHX648",
            "processes cannot be told apart without `process.pid`, so their counters could not be added up",
        ),
        (
            "full",
            {"attributes": {"drop": [{"name": "process.pid"}, {"name": "host.name"}]}},
            "spec.attributes.drop.1.name",
            "PHX648",
            "without `host.name` the series of several senders would be one, and show one of them only",
        ),
        (
            "full",
            {"inputs": {"otlp": {}}},
            "spec.inputs",
            "PHX642",
            "`inputs` has no meaning in a pipeline of stage `gateway`",
        ),
        (
            "full",
            {"classification": {"classes": [{"name": "x", "match": "x"}]}},
            "spec.classification",
            "PHX642",
            "`classification` has no meaning in a pipeline of stage `gateway`",
        ),
        (
            "full",
            {"export": [{"name": "x", "optional": True, "otlpHttp": OTLP}]},
            "spec.export",
            "PHX643",
            "no export of pipeline `full` is on in environment `prod-eu`",
        ),
        (
            "full",
            {"export": [{"name": "x", "otlpHttp": OTLP | {"header": "api-key"}}]},
            "spec.export.0.otlpHttp",
            "PHX643",
            "export `x` lacks `secretRef`: a key needs a header and a Secret",
        ),
        (
            "full",
            {"export": [{"name": "x", "otlpHttp": OTLP}, {"name": "x", "otlpHttp": OTLP}]},
            "spec.export.1.name",
            "PHX643",
            "there are two exports `x`",
        ),
        (
            "full",
            {"export": [{"name": "x", "prometheus": {"port": 8887, "namespace": "n"}}]},
            "spec.export.0.prometheus.port",
            "PHX640",
            "port `8887` is taken by the collector's own metrics",
        ),
        (
            "full",
            {"export": [{"name": "x", "prometheus": {"port": 4320, "namespace": "n"}}]},
            "spec.export.0.prometheus.port",
            "PHX640",
            "port `4320` is taken by tenants' gateways",
        ),
        (
            "full",
            {"memory": {"limit": 0.4, "spike": 0.4}},
            "spec.memory.spike",
            "PHX637",
            "spike `0.4` is not below the limit `0.4`",
        ),
        (
            "full",
            {"batch": {"size": 9, "max": 8}},
            "spec.batch.max",
            "PHX637",
            "largest batch `8` is below the batch size `9`",
        ),
        (
            "full",
            {"export": [{"name": "x", "otlpHttp": OTLP | {"retry": {"initial": "10s", "max": "9s"}}}]},
            "spec.export.0.otlpHttp.retry.max",
            "PHX637",
            "longest wait `9s` is below the first wait `10s`",
        ),
        (
            "full",
            {"export": [{"name": "x", "otlpHttp": OTLP | {"retry": {"elapsed": "1s"}}}]},
            "spec.export.0.otlpHttp.retry.elapsed",
            "PHX637",
            "data is given up after `1s`, before the first retry at `5s`",
        ),
        (
            "full",
            {"drop": [{"classes": ["lwo"]}]},
            "spec.drop.0.classes.0",
            "PHX644",
            "there is no priority class `lwo`",
        ),
        (
            "full",
            {"contract": {"preserve": ["none"]}},
            "spec.contract.preserve.0",
            "PHX644",
            "there is no priority class `none`",
        ),
        (
            "full",
            {"attributes": {"drop": [{"name": "a", "unless": ["vip"]}]}},
            "spec.attributes.drop.0.unless.0",
            "PHX644",
            "there is no priority class `vip`",
        ),
        (
            "optimized",
            {"rollup": {"unless": [{"classes": ["vip"]}]}},
            "spec.rollup.unless.0.classes.0",
            "PHX644",
            "there is no priority class `vip`",
        ),
        ("full", {"keep": [{}]}, "spec.keep.0", "PHX645", "an empty condition matches everything"),
        (
            "full",
            {"keep": [{"metrics": "a"}], "drop": [{"metrics": "b"}]},
            "spec.drop",
            "PHX645",
            "`drop` can never take effect: all that is left is kept, and `keep` wins",
        ),
        (
            "optimized",
            {"rollup": {"countFrom": "process.uptime"}},
            "spec.rollup.countFrom",
            "PHX648",
            "processes cannot be counted by `process.uptime`, which the edge pipeline does not read",
        ),
    ],
)
def test_a_fault_is_found_where_it_stands(name: str, patch: dict[str, Any], path: str, code: str, message: str):
    assert of(name, patch) == [(path, code, message)]


def test_two_pipelines_on_one_port():
    twin = pipeline("twin", {"export": [{"name": "prometheus", "prometheus": {"port": 8888, "namespace": "n"}}]})
    assert faults(pipelines=(preset("full"), twin)) == [
        (
            "Pipeline/twin",
            "spec.export.0.prometheus.port",
            "PHX640",
            "port `8888` is taken by export `prometheus` of pipeline `full`",
        )
    ]


def test_an_export_that_is_off_claims_no_port():
    export = {"name": "off", "optional": True, "prometheus": {"port": 8888, "namespace": "n"}}
    on = {"name": "on", "prometheus": {"port": 9999, "namespace": "n"}}
    twin = pipeline("twin", {"export": [export, on]})
    assert faults(pipelines=(preset("full"), twin)) == []
    assert len(faults(pipelines=(preset("full"), twin), spec={"exports": ["off"]})) == 1


def test_a_shorter_batch_or_no_rollup_is_sound():
    assert of("edge", {"batch": {"timeout": "14s"}}) == []
    long = preset("edge", {"batch": {"timeout": "60s"}})
    assert faults(edge=long, pipelines=(preset("full"),)) == []


def test_an_environment_without_pipelines():
    (fault,) = lint_pipelines(environment(pipelines=()))
    assert (fault.policy, fault.path, fault.code) == (
        PolicyRef("Environment", "prod-eu"),
        ("spec", "pipelines"),
        "PHX643",
    )


def test_a_rollup_needs_classes():
    edge = pipeline("edge", {"stage": "edge", "inputs": {"otlp": {}}})
    found = faults(edge=edge, pipelines=(preset("optimized", {"contract": {"preserve": []}}),))
    assert (
        "Pipeline/optimized",
        "spec.rollup",
        "PHX648",
        "edge pipeline `edge` classifies nothing, so there is nothing to roll up",
    ) in found
