"""Collector configs as Pipelines: nothing is lost in silence, and what we emit comes back as what it was."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import msgspec
import pytest
import yaml

from phoenix_gitops.collector.agent import agent
from phoenix_gitops.collector.gateway import gateway
from phoenix_gitops.front import run_front
from phoenix_gitops.importing import sorting
from phoenix_gitops.importing.collectors import configs, drafting
from phoenix_gitops.importing.collectors.conditions import anchored, keeps, predicates
from phoenix_gitops.importing.collectors.ledger import leaves
from phoenix_gitops.importing.collectors.ottl import (
    ALWAYS,
    Both,
    Call,
    Compare,
    Constant,
    Many,
    Not,
    Place,
    condition,
    statement,
)
from phoenix_gitops.importing.reading import read
from phoenix_gitops.importing.rules import Aim
from phoenix_gitops.model.pipeline import PipelineSpec
from phoenix_gitops.model.units import mebibytes

ROOT = Path(__file__).parents[3]
ORIGINAL = Path(__file__).parent / "original_collector.yaml"


@cache
def world():
    return run_front(ROOT).world


def taken(text, memory=None):
    outcome = read("c.yaml", text.encode())
    assert not outcome.diagnostics
    return sorting.take(outcome.value, Aim(folder="policies", owner="o", memory=memory), world())


def said(result):
    return [f"{note.code} {note.primary.span.line}:{note.primary.span.col} {note.message}" for note in result.notes]


def specs(result):
    return {draft.name: msgspec.convert(dict(draft.spec), PipelineSpec) for draft in result.drafts}


# What we emit.


@pytest.mark.parametrize("name", ["prod-eu", "prod-us", "dev", "reference"])
def test_the_gateway_that_we_emit_comes_back_as_itself(name):
    env = world().environment(name)
    config = gateway(env)[0]
    result = taken(yaml.safe_dump(config), mebibytes(env.environment.spec.gateway.resources.memory_limit))
    assert said(result) == []
    found = specs(result)
    assert sorted(found) == sorted(pipeline.metadata.name for pipeline in env.pipelines)
    back = tuple(msgspec.structs.replace(p, spec=found[p.metadata.name]) for p in env.pipelines)
    assert gateway(replace(env, pipelines=back))[0] == config


@pytest.mark.parametrize("name", ["prod-eu", "prod-us", "dev", "reference"])
def test_the_agent_that_we_emit_comes_back_as_itself(name):
    env = world().environment(name)
    config = agent(env)[0]
    result = taken(yaml.safe_dump(config), mebibytes(env.environment.spec.agent.resources.memory_limit))
    assert said(result) == []
    ((_, spec),) = specs(result).items()
    edge = msgspec.structs.replace(env.edge, spec=spec)
    assert agent(replace(env, edge=edge))[0] == config


def test_a_pipeline_that_nobody_here_has_comes_back_too():
    """The compiler's own leaves are told by what drafts come to, not only by what the repository has."""
    env = world().environment("reference")
    spec = msgspec.convert(
        {
            "rollup": {
                "match": {"classes": ["low"]},
                "into": "rest",
                "by": ["host.name"],
                "countFrom": "process.threads",
            },
            "keep": [{"executables": "a.*|b", "metrics": "x"}],
            "drop": [{"metrics": "noisy[.].*"}],
            "attributes": {"set": {"team": "$x"}, "keepOnly": ["phoenix.priority", "team"]},
            "export": [{"name": "out", "prometheus": {"port": 9999, "namespace": "mine"}}],
        },
        PipelineSpec,
    )
    own = msgspec.structs.replace(
        env.pipelines[0], spec=spec, metadata=msgspec.structs.replace(env.pipelines[0].metadata, name="own")
    )
    config = gateway(replace(env, pipelines=(own,)))[0]
    result = taken(yaml.safe_dump(config), mebibytes(env.environment.spec.gateway.resources.memory_limit))
    assert said(result) == []
    back = msgspec.structs.replace(own, spec=specs(result)["own"])
    assert gateway(replace(env, pipelines=(back,)))[0] == config


# The original platform's.


def test_the_original_pipelines_are_carried_over_and_the_rest_is_told():
    result = taken(ORIGINAL.read_text(), 1024)
    found = specs(result)
    assert list(found) == ["common-intake", "optimised"]
    edge, optimised = found["common-intake"], found["optimised"]
    assert edge.stage == "edge"
    assert edge.inputs.hostmetrics.interval == "15s"
    assert [g.patterns for g in edge.inputs.hostmetrics.exclude] == [["^kworker", "^(cron|crond)$"]]
    assert "process.threads" in edge.inputs.hostmetrics.process_metrics
    # Later statements overwrite: of classes the first that matches wins.
    assert [(c.name, c.match) for c in edge.classification.classes] == [
        ("critical", ".*critical.*"),
        ("high", ".*(?:java_app|python_api).*"),
        ("medium", ".*(nginx|postgres).*"),
    ]
    assert (edge.classification.default, edge.memory.limit, edge.memory.spike) == ("low", 0.5, 0.125)
    assert [d.name for d in edge.attributes.drop] == ["process.parent_pid"]
    # A filter's conditions say what goes, whatever its author meant.
    assert [p.classes for p in optimised.drop] == [["critical", "high"]]
    assert optimised.keep == []
    assert (optimised.rollup.into, optimised.rollup.match.classes) == ("{class}_others_optimised", ["low"])
    assert optimised.rollup.by == ["host.name", "service.name", "phoenix.priority"]
    assert [e.name for e in optimised.export] == ["optimised", "newrelic", "other"]
    newrelic = optimised.export[1].otlp_http
    assert (newrelic.queue.size, newrelic.retry.elapsed, newrelic.header) == (2000, "10m", "api-key")
    assert newrelic.secret_ref.name == "new-relic-license-key"
    assert optimised.export[2].otlp_http.header is None
    assert said(result) == TOLD


TOLD = [
    "PHX825 76:24 a secret stands here in clear text, and is not carried over",
    "PHX821 98:7 pipeline `traces` is not carried over: a Pipeline carries metrics, no other signal",
    "PHX822 17:5 `otlp` takes OTLP over grpc as well",
    "PHX822 27:13 what has no `process.executable.name` gets no class",
    "PHX822 41:9 `team` of `resource/optimised` is set even where a sender says another value",
    "PHX822 51:13 processes that get one name are added up, each host's for itself",
    "PHX822 70:24 header `api-key` of `otlphttp/newrelic` comes from key `key` of Secret `new-relic-license-key`, "
    "not from `NEW_RELIC_LICENSE_KEY`",
    "PHX821 14:47 `scrapers.process.metrics.process.context_switches.enabled` of `hostmetrics/process_focus` "
    "is not carried over: no policy says this",
    "PHX821 15:13 `scrapers.load` of `hostmetrics/process_focus` is not carried over: no policy says this",
    "PHX821 21:22 `resourcedetection` is not carried over: no policy has such a step",
    "PHX821 22:22 `cumulativetodelta` is not carried over: no policy has such a step",
    "PHX821 36:13 `metric_statements.statements` of `transform/strip` is not carried over: no policy says this",
    "PHX821 40:9 an item of `attributes` of `resource/optimised` is not carried over: no policy says this",
    "PHX821 46:11 `metrics.datapoint` of `filter/optimised` is not carried over: no policy says this",
    "PHX821 58:12 `filelog` is not carried over: no pipeline of metrics uses it",
    "PHX821 65:26 `enable_open_metrics` of `prometheus/optimised` is not carried over: no policy says this",
    "PHX821 73:24 `tls.min_version` of `otlphttp/newrelic` is not carried over: no policy says this",
    "PHX821 77:12 `logging` is not carried over: no policy has such an export",
    "PHX821 80:5 `routing` is not carried over: every pipeline of the gateway gets all data; which of them is read, "
    "a ControlPolicy says",
    "PHX821 84:10 `pprof` is not carried over: no policy has such an extension",
    "PHX821 86:30 `extensions` of `service` is not carried over: no policy says this",
    "PHX821 87:34 `telemetry.metrics.address` of `service` is not carried over: no policy says this",
]


class Entered:
    """What became of a config's leaves."""

    def __init__(self, text):
        (document,) = read("c.yaml", text.encode()).value
        ((config,), faults) = configs.find(document)
        assert faults == []
        drafts = drafting.Drafting(config, world(), Aim(folder="policies", owner="o"), 1024, set())
        drafts.run()
        self.config, ledger = config.node, drafts.ledger
        self.notes, self.carried, self.told, self.known = ledger.notes, ledger.carried, ledger.told, ledger.known


@pytest.mark.parametrize("source", ["original", "gateway", "agent"])
def test_every_leaf_is_carried_or_told_or_ours_and_only_one_of_these(source):
    env = world().environment("reference")
    text = {
        "original": ORIGINAL.read_text(),
        "gateway": yaml.safe_dump(gateway(env)[0]),
        "agent": yaml.safe_dump(agent(env)[0]),
    }[source]
    ledger = Entered(text)
    found = [id(leaf) for kept in (ledger.carried, ledger.told, ledger.known) for leaf in kept]
    assert len(found) == len(set(found))
    assert {id(leaf) for leaf in leaves(ledger.config)} == set(found)
    assert len(ledger.carried) > 30
    assert (len(ledger.told) > 20) == (source == "original")


def test_a_leaf_more_is_told_wherever_it_is_put():
    document = yaml.safe_load(ORIGINAL.read_text())
    done = 0

    def grow(value):
        nonlocal done
        if isinstance(value, dict):
            value["unheard_of"] = "never-heard"
            ledger = Entered(yaml.safe_dump(document))
            assert "never-heard" in [leaf.value for leaf in ledger.told], "lost in silence"
            assert not any("never-heard" in note.message for note in ledger.notes)
            del value["unheard_of"]
            done += 1
            for inner in list(value.values()):
                grow(inner)
        elif isinstance(value, list):
            for inner in value:
                grow(inner)

    for section in ("receivers", "processors", "exporters"):
        for component in list(document[section].values()):
            if component:
                grow(component)
    assert done > 30


# Where configs stand.

SMALL = """\
receivers: {hostmetrics: {scrapers: {process: {}}}}
processors:
  memory_limiter: {check_interval: 2s, limit_mib: 100, spike_limit_mib: 20}
exporters:
  otlphttp: {endpoint: https://o.example.com, unheard: 1}
service:
  pipelines:
    metrics: {receivers: [hostmetrics], processors: [memory_limiter], exporters: [otlphttp]}
"""


def indented(text, by):
    return "".join(" " * by + line for line in text.splitlines(keepends=True))


CONTAINERS = {
    "file": (SMALL, 5, 56, None),
    "configmap": (
        "kind: ConfigMap\nmetadata: {name: otel}\ndata:\n  note: x\n  relay.yaml: |\n\n" + indented(SMALL, 4),
        11, 60, None,
    ),
    "v1beta1": (
        "kind: OpenTelemetryCollector\nmetadata: {name: otel}\nspec:\n  resources: {limits: {memory: 1Gi}}\n"
        "  config:\n" + indented(SMALL, 4),
        10, 60, 1024,
    ),
    "v1alpha1": (
        "kind: OpenTelemetryCollector\nmetadata: {name: otel}\nspec:\n  config: |\n" + indented(SMALL, 6), 9, 62, None,
    ),
    "helm": ("mode: daemonset\nresources: {limits: {memory: 200Mi}}\nconfig:\n" + indented(SMALL, 2), 8, 58, 200),
}  # fmt: skip


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_config_is_found_where_it_stands_and_told_at_its_place(container):
    text, line, col, memory = CONTAINERS[container]
    result = taken(text)
    assert [draft.kind for draft in result.drafts] == ["Pipeline", "Pipeline"]
    told = [note for note in result.notes if "unheard" in note.message]
    assert [(note.primary.span.line, note.primary.span.col) for note in told] == [(line, col)]
    limited = [draft.spec["memory"] for draft in result.drafts if "memory" in draft.spec]
    if memory is None:
        assert all(set(each) == {"checkInterval"} for each in limited)
        assert any("is a share of the container's memory here" in note.message for note in result.notes)
    else:
        assert all(int(memory * each["limit"]) == 100 and int(memory * each["spike"]) == 20 for each in limited)
    assert limited


def test_broken_text_in_a_config_map_is_told_where_it_breaks():
    text = "kind: ConfigMap\nmetadata: {name: otel}\ndata:\n  a: |\n    receivers: {}\n    service: {pipelines: {}}\n"
    result = taken(f"{text}    x: [\n")
    assert [(n.code, n.primary.span.line) for n in result.notes] == [("PHX820", 8)]


@pytest.mark.parametrize(
    "secret",
    [
        "exporters: {otlphttp: {headers: {x-any: hunter2}}}",
        "exporters: {otlphttp: {auth: {token: hunter2}}}",
        "receivers: {prometheus: {config: {scrape_configs: [{basic_auth: {password: hunter2}}]}}}",
        "extensions: {bearertokenauth: {token: 'Bearer hunter2'}}",
    ],
)
def test_a_secret_in_clear_text_is_refused_and_never_said(secret):
    result = taken(merged(SMALL, secret))
    assert [note.code for note in result.notes].count("PHX825") == 1
    assert not any("hunter2" in line for line in said(result))
    assert not any("hunter2" in draft.text() for draft in result.drafts)


def merged(text, more):
    def merge(one, other):
        for key, value in other.items():
            one[key] = merge(one[key], value) if isinstance(one.get(key), dict) and isinstance(value, dict) else value
        return one

    return yaml.safe_dump(merge(yaml.safe_load(text), yaml.safe_load(more)))


# The language of statements.


@pytest.mark.parametrize(
    ("pattern", "whole"),
    [
        ("critical", ".*critical.*"),
        ("^a$", "a"),
        ("^a", "a.*"),
        ("a$", ".*a"),
        (r"a\$", r".*a\$.*"),
        ("a|b", ".*(?:a|b).*"),
        ("^a|b$", ".*(?:^a|b$).*"),
        ("^(?:a|b)$", "a|b"),
        ("^(?:a)|(?:b)$", ".*(?:^(?:a)|(?:b)$).*"),
        (".*(a|b).*", ".*(a|b).*"),
        (r"[|]x", r".*[|]x.*"),
        (r"x\.*", r".*x\.*.*"),
    ],
)
def test_a_pattern_that_is_looked_for_anywhere_is_anchored(pattern, whole):
    assert anchored(pattern) == whole
    for word in ("critical", "a", "b", "ab", "xa", "ax", "a$", "|x", "x..", "zaz"):
        assert bool(re.search(pattern, word)) == bool(re.fullmatch(whole, word)), word


A = Place("resource.attributes", ("a",))


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ('attributes["a"] == "x"', Compare("==", A, Constant("x"))),
        ('resource.attributes["a"] != nil', Compare("!=", A, Constant(None))),
        ("true", ALWAYS),
        ('not (IsMatch(attributes["a"], "x y"))', Not(Call("IsMatch", (A, Constant("x y"))))),
        ("name == 1.5", Compare("==", Place("resource.name"), Constant(1.5))),
        ("a and b or c", Both("or", (Both("and", (Place("resource.a"), Place("resource.b"))), Place("resource.c")))),
        ("metric.type == METRIC_DATA_TYPE_SUM", Compare("==", Place("metric.type"), Place("METRIC_DATA_TYPE_SUM"))),
        ('["x", true]', Many((Constant("x"), ALWAYS))),
        ("a ==", None),
        ("a b", None),
        ("(a", None),
        ('attributes[0] == "x"', None),
        ("a - 1", None),
        ('"\\q"', None),
        ("not " * 5000 + "a", None),
        ("", None),
    ],
)
def test_conditions_are_read_as_the_collector_reads_them(text, term):
    assert condition(text, "resource") == term


def test_named_arguments_and_conditions_of_statements():
    found = statement('copy_metric(name="a", unit="{x}") where metric.name == "b"')
    assert found is not None
    assert (found.call.name, found.call.named["unit"]) == ("copy_metric", Constant("{x}"))
    assert found.where == Compare("==", Place("metric.name"), Constant("b"))
    assert statement("a == b") is None


PRIORITY = 'resource.attributes["phoenix.priority"]'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f'{PRIORITY} == "a" or {PRIORITY} == "b"', [{"classes": ["a", "b"]}]),
        (
            f'({PRIORITY} == "a" and metric.name == "x.y") or IsMatch(metric.name, "^z$")',
            [{"classes": ["a"], "metrics": r"x\.y"}, {"metrics": "z"}],
        ),
        ('resource.attributes["host.name"] == "x"', None),
        (f'{PRIORITY} == "a" and {PRIORITY} == "b"', None),
        (f'{PRIORITY} == "a" or not (metric.name == "b")', None),
        (f'{PRIORITY} != "a"', None),
        ("true", None),
    ],
)  # fmt: skip
def test_predicates_say_no_more_and_no_less(text, found):
    assert predicates(condition(text)) == found


def test_the_polarity_of_a_filter_is_the_collectors():
    assert keeps(condition(f'not ({PRIORITY} == "a")')) == ([{"classes": ["a"]}], False)
    assert keeps(condition(f'{PRIORITY} != nil and not ({PRIORITY} == "a")')) == ([{"classes": ["a"]}], True)
    assert keeps(condition(f'{PRIORITY} == "a"')) is None
