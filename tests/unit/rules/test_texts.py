"""Texts of alerts are templates: a tenant's may show its own value and labels, and ask nothing."""

import pytest

from phoenix_gitops.rules import lint
from tests.unit.rules import support


def faults(rule_set):
    scopes = [(support.environment(), [support.tenant(rule_sets=(rule_set,))])]
    return [(f.path, f.finding.code) for f in lint.lint(scopes)]


def with_texts(tenant="shop", **texts):
    alert = {
        "alert": "ShopQuiet",
        "expr": "sum by (route) (rate(http_requests_total[5m])) == 0",
        "summary": "quiet",
        **texts,
    }
    return support.rule_set(tenant=tenant, alerts=[alert])


@pytest.mark.parametrize(
    "text",
    [
        "quiet",
        "{{ $value }} waiting",
        "{{$value}} and {{- $labels.route -}}",
        "{{ $value | humanize }} {{ $labels.route | toUpper | title }}",
        "a single { brace }",
    ],
)
def test_own_values_and_labels_may_be_shown(text):
    assert faults(with_texts(summary=text, runbook=text)) == []


@pytest.mark.parametrize(
    "text",
    [
        '{{ range query "up" }}{{ .Labels.tenant_id }}{{ end }}',
        '{{ query "up" | first | value }}',
        "{{ $value | query }}",
        "{{ with query `up` }}x{{ end }}",
        '{{ template "x" }}',
        "{{ $value }} {{ externalURL }}",
        "{{ .Labels }}",
        "{{",
    ],
)
@pytest.mark.parametrize("field", ["summary", "runbook"])
def test_a_text_that_asks_is_refused(field, text):
    assert faults(with_texts(**{field: text})) == [(("spec", "alerts", 0, field), "PHX659")]


def test_every_annotation_of_a_tenants_alert_is_a_text():
    asks = with_texts(annotations={"dashboard": '{{ query "up" }}', "value": "{{ $value }}"})
    assert faults(asks) == [(("spec", "alerts", 0, "annotations", "dashboard"), "PHX659")]


def test_the_runbook_of_a_tenants_slo_is_a_text_too():
    objective = support.slo(tenant="shop", alerting={"runbook": '{{ query "up" }}'})
    found = lint.lint([(support.environment(), [support.tenant(slos=(objective,))])])
    assert [(f.path, f.finding.code) for f in found] == [(("spec", "alerting", "runbook"), "PHX659")]


def test_the_platforms_own_texts_may_ask():
    rule_set = with_texts(tenant=None, summary='{{ query "up" }}', expr="up == 0")
    found = lint.lint([(support.environment(), [support.tenant(rule_sets=(rule_set,))])])
    assert "PHX659" not in {f.finding.code for f in found}
