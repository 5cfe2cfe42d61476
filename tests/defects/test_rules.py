"""What defects of rules would look like in our own output, of every environment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest

from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.promql.syntax import parse, selectors
from phoenix_gitops.rules.lint import own_findings
from phoenix_gitops.scope import EnvironmentScope
from tests.defects.test_configs import ENVIRONMENTS
from tests.reference.platform import Output, front, output
from tests.reference.promql import names, numbers, ranges

OURS = re.compile("(phoenix|slo):")


def scope(environment: str) -> EnvironmentScope:
    world = front().world
    assert world is not None
    return world.environment(environment)


def rules(found: Output) -> Iterator[dict[str, Any]]:
    return (rule for group in found.groups for rule in group["rules"])


def scraped(found: Output) -> set[str]:
    """The values of `phoenix_pipeline` that some target is given."""
    return {
        relabeling["replacement"]
        for monitor in found.of_kind("PodMonitor")
        for endpoint in monitor["spec"]["podMetricsEndpoints"]
        for relabeling in endpoint.get("relabelings", [])
        if relabeling.get("targetLabel") == "phoenix_pipeline"
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_our_own_rules_have_no_finding(environment):
    """15, 17, 20: each is PromQL, reads what is there, and by functions for its type."""
    assert list(own_findings(scope(environment))) == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_a_rule_reads_of_ours_is_recorded_here(environment):
    """11, 20: no query of a series that nothing makes."""
    for found in output(environment).clusters:
        recorded = {rule["record"] for rule in rules(found) if "record" in rule}
        read = {name for rule in rules(found) for name in names(rule["expr"]) if OURS.match(name)}
        assert len(read) > 20
        assert read <= recorded


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_pipeline_that_a_rule_names_is_scraped_under_that_name(environment):
    """11."""
    named = 0
    for found in output(environment).clusters:
        known = scraped(found)
        exporters, processors = found.gateway["exporters"], found.gateway["processors"]
        for rule in rules(found):
            for selector in selectors(parse(rule["expr"])):
                for match in selector.matches:
                    if match.label == "phoenix_pipeline":
                        assert set(match.value.split("|")) <= known, rule
                        named += 1
                    if match.label == "exporter":
                        assert set(match.value.split("|")) <= set(exporters), rule
                    if match.label == "processor":
                        assert any(re.fullmatch(match.value, name) for name in processors), rule
    assert named > 10


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_series_is_recorded_by_one_rule(environment):
    """19, 10."""
    for found in output(environment).clusters:
        keys = [
            (rule["record"], tuple(sorted(rule.get("labels", {}).items())))
            for rule in rules(found)
            if "record" in rule and not rule["record"].startswith("slo:")
        ]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_recording_rule_holds_a_template(environment):
    """16."""
    for rule in rules(output(environment)):
        if "record" in rule:
            assert "{{" not in str(rule)
        else:
            assert "{{" not in rule["alert"] + rule["expr"] + str(rule["labels"])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_pipeline_that_falls_silent_is_told(environment):
    """14."""
    for found in output(environment).clusters:
        assert {alert["labels"]["pipeline"] for alert in found.alerts("PhoenixPipelineSilent")} == scraped(found)
        for alert in found.alerts("PhoenixPipelineSilent"):
            assert re.fullmatch(r"absent\(phoenix:pipeline_active_series\{phoenix_pipeline=\"\w+\"\}\)", alert["expr"])


UNITS = {
    0: "nothing",
    1: "all, or a byte a point",
    2: "the average of two shares",
    1000: "milliseconds a second",
    1024: "MiB a GiB",
    1_048_576: "bytes a MiB",
    1e6: "a million points",
    1e9: "a gigabyte",
    2_592_000: "seconds a month of 30 days",
}
NAMED = {
    0.99: "what `_p99` in a name says",
    0.8: "share of a budget that is told first",
    0.9: "share of a quota or a capacity that is near it",
}
"""Numbers that are no policy's: units, and shares that are part of what a rule means."""
RANGES = {
    300: "over which rates and growth are taken",
    3600: "the hour of `transitions_per_hour` and of the mean that a z-score is against",
}
SLO_WINDOWS = {milliseconds(window) / 1000 for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d")}


def leaves(node: object) -> Iterator[float]:
    """Every number in a policy: as it is, in seconds, in MiB and in cores."""
    if isinstance(node, dict):
        node = [*node.values()]
    if isinstance(node, list | tuple):
        for value in node:
            yield from leaves(value)
    elif isinstance(node, int | float):
        yield float(node)
    elif isinstance(node, str):
        if re.fullmatch(r"[0-9]+([.][0-9]+)?", node):
            yield float(node)
        elif re.fullmatch(r"([0-9]+(ms|s|m|h|d))+", node):
            yield milliseconds(node) / 1000
        if scaled := re.fullmatch(r"([0-9]+)(m|Mi|Gi)", node):
            yield float(scaled[1]) * {"m": 0.001, "Mi": 1.0, "Gi": 1024.0}[scaled[2]]


def said(env: EnvironmentScope) -> set[float]:
    """Every number that some policy behind an environment's own rules says, and what simple sums make of it."""
    policies: Iterable[object] = (env.platform, env.environment, env.edge, *env.pipelines, *env.slos, env.control)
    found = {round(n, 9) for policy in policies for n in leaves(msgspec.to_builtins(policy))}
    assert env.control is not None
    law = env.control.spec
    steps = milliseconds(law.interval) / 1000
    for profile in law.profiles:
        found |= {profile.above * (1 + law.hysteresis), profile.above * (1 - law.hysteresis)}
    found |= {law.explosion.limit / 2, law.explosion.growth / 2, -law.pid.integral_limit}
    found |= {weight / 2 for weight in msgspec.to_builtins(law.explosion.weights).values()}
    found |= {round(1 - slo.spec.objective, 9) for slo in env.slos}
    found |= {milliseconds(law.oscillation.window) / 1000 / steps, *range(len(law.profiles))}
    found |= {14.4, 6.0, 3.0, 1.0}
    return {round(n, 9) for n in found}


def test_every_number_in_a_rule_is_said_by_a_policy_or_has_a_name():
    """21."""
    env = scope("reference")
    allowed = said(env) | {float(n) for n in (*UNITS, *NAMED)}
    read = 0
    for name, expr in own_rules(output("reference")):
        for number in numbers(expr):
            assert round(number, 9) in allowed, (name, number)
            read += 1
    assert read > 100


def test_every_range_in_a_rule_is_said_by_a_policy_or_has_a_name():
    """21, 37: those of the law are whole steps and a half, so that they hold so many values."""
    env = scope("reference")
    assert env.control is not None
    step = milliseconds(env.control.spec.interval) / 1000
    windows = {milliseconds(slo.spec.window) / 1000 for slo in env.slos} | SLO_WINDOWS
    for name, expr in own_rules(output("reference")):
        for seconds in ranges(expr):
            of_the_law = name.startswith("phoenix:control_") and seconds % step == step / 2
            of_a_budget = name.startswith(("slo:", "SLO")) and seconds in windows
            assert seconds in RANGES or of_the_law or of_a_budget, (name, seconds)


def own_rules(found: Output) -> Iterator[tuple[str, str]]:
    """The platform's rules: those of tenants are what tenants wrote, or their quotas."""
    for prometheus_rule in found.of_kind("PrometheusRule"):
        if prometheus_rule["metadata"]["name"].startswith("tenant"):
            continue
        for group in prometheus_rule["spec"]["groups"]:
            for rule in group["rules"]:
                yield rule.get("record") or rule["alert"], rule["expr"]
