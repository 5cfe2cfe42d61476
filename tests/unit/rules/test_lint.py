from dataclasses import replace

import pytest

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.diagnostics import Label, Span
from phoenix_gitops.rules import lint, pipelines
from phoenix_gitops.rules.group import Record
from tests.unit.rules import support


def faults(env=None, *tenants):
    return [(str(f.policy), f.path, f.finding.code) for f in lint.lint([(env or support.environment(), list(tenants))])]


def shop(**parts):
    return support.tenant(**parts)


@pytest.mark.parametrize("names", [support.PIPELINES, ("full",), ("optimized", "full"), ()])
@pytest.mark.parametrize("law", [support.control(), support.control(mode="advisory", input="full")])
def test_what_the_compiler_builds_has_no_findings(names, law):
    env = support.environment(names=names, law=law, budget={"monthlyCost": "900"})
    assert list(lint.own_findings(env)) == []


def test_a_fault_in_what_the_compiler_builds_is_found(monkeypatch):
    broken = Record(record=pipelines.GROWTH, expr=f"rate({pipelines.SERIES}[5m])")
    monkeypatch.setattr(pipelines, "_cardinality", lambda env, base: [broken])
    found = {(rule, finding.code) for rule, finding in lint.own_findings(support.environment())}
    assert (pipelines.GROWTH, "PHX654") in found
    assert ("PhoenixSLOViolation", "PHX653") in found


def test_sound_policies_have_no_faults():
    rules = support.rule_set(
        tenant="shop",
        records=[
            {"record": "shop:requests:rate5m", "expr": "sum by (route) (rate(http_requests_total[5m]))"},
            {"record": "shop:requests:max", "expr": "max by (route) (shop:requests:rate5m)"},
        ],
        alerts=[{"alert": "ShopQuiet", "expr": "sum(shop:requests:max) == 0", "summary": "quiet"}],
    )
    assert faults(None, shop(slos=(support.slo(tenant="shop"),), rule_sets=(rules,))) == []


def test_platform_rules_may_read_what_the_compiler_records():
    query = "min(phoenix:signal_preservation_score)"
    policy = support.slo(indicator={"threshold": {"query": query, "op": ">=", "value": 0.98}})
    assert faults(replace(support.environment(), slos=(policy,))) == []


def test_a_tenants_rules_may_not_read_the_platforms_series():
    records = [{"record": "shop:x", "expr": "phoenix:pipeline_active_series"}]
    rules = support.rule_set(tenant="shop", records=records)
    at = ("spec", "records", 0, "expr")
    assert faults(None, shop(rule_sets=(rules,))) == [("RuleSet/shop", at, "PHX679")]


@pytest.mark.parametrize(
    ("rule", "path", "code"),
    [
        ({"record": "shop:x", "expr": "rate(queue_length[5m])"}, "expr", "PHX654"),
        ({"record": "shop:x", "expr": 'queue_length{tenant_id="cart"}'}, "expr", "PHX659"),
        ({"record": "phoenix:x", "expr": "queue_length"}, "record", "PHX660"),
        ({"record": "slo:x", "expr": "queue_length"}, "record", "PHX660"),
        ({"record": "shop:x", "expr": "queue_length", "labels": {"tenant_id": "cart"}}, "labels", "PHX659"),
        ({"record": "shop:x", "expr": "sum(queue_length"}, "expr", "PHX652"),
        ({"record": "shop:x", "expr": "queue_length offset 31d"}, "expr", "PHX656"),
    ],
)
def test_faults_point_at_the_value(rule, path, code):
    (found,) = faults(None, shop(rule_sets=(support.rule_set(tenant="shop", records=[rule]),)))
    assert found[0] == "RuleSet/shop"
    assert found[1][:4] == ("spec", "records", 0, path)
    assert found[2] == code


def test_alerts_are_looked_at_too():
    alert = {"alert": "A", "expr": "queue_lenght > 1", "summary": "x", "labels": {"tenant_id": "cart"}}
    rules = support.rule_set(tenant="shop", alerts=[alert])
    at = ("spec", "alerts", 0)
    assert faults(None, shop(rule_sets=(rules,))) == [
        ("RuleSet/shop", (*at, "expr"), "PHX653"),
        ("RuleSet/shop", (*at, "labels", "tenant_id"), "PHX659"),
    ]


def test_a_name_is_recorded_once_unless_labels_tell_apart():
    def rules(name, **labels):
        return support.rule_set(
            name, tenant="shop", records=[{"record": "shop:x", "expr": "sum(queue_length)", **labels}]
        )

    tenant = shop(rule_sets=(rules("one"), rules("two"), rules("three", labels={"a": "b"})))
    assert faults(None, tenant) == [("RuleSet/two", ("spec", "records", 0, "record"), "PHX657")]


def test_a_tenant_is_looked_at_once_for_environments_that_know_the_same():
    rules = support.rule_set(tenant="shop", records=[{"record": "shop:x", "expr": "nothing"}])
    scopes = [(support.environment(), [shop(rule_sets=(rules,))]) for _ in range(3)]
    assert len(list(lint.lint(scopes))) == 1
    scopes[1] = (support.environment(telemetry={"scrapeInterval": "30s", "evaluationInterval": "30s"}), scopes[0][1])
    assert len(list(lint.lint(scopes))) == 2


def two(first, second):
    above = {"calm": first, "balanced": second}
    return {"profiles": [{"name": n, "above": a, "pipelines": ["full"]} for n, a in above.items()]}


CONTROL = [
    (two(5, 9), "PHX666"),
    (two(0, 0), "PHX666"),
    (two(0, 1), None),
    ({"hysteresis": 0.41}, "PHX666"),
    ({"hysteresis": 0.4}, None),
    ({"oscillation": {"fallback": "calm"}}, "PHX666"),
    ({"input": "observatory"}, None),
    ({"input": "elsewhere"}, "PHX666"),
    ({"interval": "59s"}, "PHX667"),
    ({"stability": "59s"}, "PHX667"),
    ({"oscillation": {"window": "30s"}}, "PHX667"),
]


@pytest.mark.parametrize(("change", "code"), CONTROL)
def test_relations_of_a_control_policy(change, code):
    found = faults(support.environment(law=support.control(**change)))
    assert {f[2] for f in found} == ({code} if code else set())
    assert all(f[0] == "ControlPolicy/standard" for f in found)


def test_an_interval_sees_two_new_values():
    telemetry = {"scrapeInterval": "15s", "evaluationInterval": "40s"}
    assert [f[2] for f in faults(support.environment(telemetry=telemetry))] == ["PHX667"]


def test_the_caret_stands_under_the_word_where_columns_can_be_counted():
    records = [{"record": "shop:x", "expr": "sum(rate(http_request_total[5m]))"}]
    (fault,) = lint.lint(
        [(support.environment(), [shop(rule_sets=(support.rule_set(tenant="shop", records=records),))])]
    )
    length = len(records[0]["expr"])

    def plain(policy, path):
        assert (policy, path) == (PolicyRef("RuleSet", "shop"), ("spec", "records", 0, "expr"))
        return Label(Span("r.yaml", 8, 13, 8, 13 + length))

    shown = fault.diagnostic(plain)
    assert (shown.code, shown.primary) == ("PHX653", Label(Span("r.yaml", 8, 22, 8, 40)))
    quoted = fault.diagnostic(lambda policy, path: Label(Span("r.yaml", 8, 13, 8, 15 + length)))
    assert quoted.primary == Label(Span("r.yaml", 8, 13, 8, 15 + length))
    assert fault.diagnostic(lambda policy, path: None).primary is None
