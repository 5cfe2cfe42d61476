"""What defects of rules would look like in our own output, of every environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from phoenix_gitops.promql.syntax import parse, selectors
from phoenix_gitops.rules.lint import own_findings
from phoenix_gitops.scope import EnvironmentScope
from tests.defects.test_configs import ENVIRONMENTS
from tests.reference.platform import Output, front, output
from tests.reference.promql import names

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
