from fractions import Fraction

import pytest

from phoenix_gitops.diagnostics import Severity
from phoenix_gitops.rules import slo
from phoenix_gitops.rules.relations import slo_faults
from tests.unit.rules import support

# Rows: page quick, page slow, ticket quick, ticket slow. Columns: 7, 14, 28, 30, 90 days.
FACTORS = {
    "7d": ("3.36", "1.4", "0.7", "7/30"),
    "14d": ("6.72", "2.8", "1.4", "7/15"),
    "28d": ("13.44", "5.6", "2.8", "14/15"),
    "30d": ("14.4", "6", "3", "1"),
    "90d": ("43.2", "18", "9", "3"),
}


@pytest.mark.parametrize("window", FACTORS)
def test_factors_are_exact(window):
    assert tuple(slo.factor(tier, window) for tier in slo.TIERS) == tuple(map(Fraction, FACTORS[window]))


def rules(policy):
    return {name: rule for group in slo.groups(policy, "30s") for rule in group.rules for name in _names(rule)}


def _names(rule):
    return [getattr(rule, "record", None) or f"{rule.alert} {rule.labels['burn']}"]


def test_only_windows_that_are_used_are_recorded():
    assert slo.windows(support.slo()) == ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
    assert slo.windows(support.slo(alerting={"ticket": False})) == ("5m", "30m", "1h", "6h")
    assert slo.windows(support.slo(alerting={"page": False})) == ("5m", "2h", "6h", "1d", "3d")
    assert slo.windows(support.slo(alerting={"page": False, "ticket": False})) == ("5m",)


def test_alerts_name_both_windows_and_the_exact_limit():
    alert = rules(support.slo())["SLOBudgetBurn page"]
    which = '{slo="shop-up"}'
    assert alert.expr == (
        f"(slo:sli_error:ratio_rate5m{which} > 14.4 * 0.001 and slo:sli_error:ratio_rate1h{which} > 14.4 * 0.001)\n"
        f"or\n(slo:sli_error:ratio_rate30m{which} > 6 * 0.001 and slo:sli_error:ratio_rate6h{which} > 6 * 0.001)"
    )
    assert alert.severity == "critical"
    assert rules(support.slo())["SLOBudgetBurn ticket"].severity == "warning"


def test_no_alerts_where_none_are_wanted():
    found = rules(support.slo(alerting={"page": False, "ticket": False}))
    assert not [name for name in found if name.startswith("SLOBudgetBurn")]


def test_labels_and_runbook_reach_the_alerts():
    alert = rules(support.slo(alerting={"labels": {"team": "shop"}, "runbook": "https://r.example.com"}))[
        "SLOBudgetBurn page"
    ]
    whose = {"slo": "shop-up", "service": "shop"}
    assert alert.plain()["labels"] == {**whose, "team": "shop", "burn": "page", "severity": "critical"}
    assert alert.plain()["annotations"]["runbook_url"] == "https://r.example.com"


@pytest.mark.parametrize(("op", "opposite"), [(">=", "<"), (">", "<="), ("<=", ">"), ("<", ">=")])
def test_what_is_not_good_is_bad(op, opposite):
    policy = support.slo(indicator={"threshold": {"query": "max(queue_length)", "op": op, "value": 0.5}})
    assert rules(policy)[slo.BAD].expr == f"(max(queue_length)) {opposite} bool 0.5"


def test_a_tenants_rules_see_and_mark_its_series_only():
    found = rules(support.slo(tenant="shop"))
    for name, rule in found.items():
        if name.startswith(("slo:sli_error:ratio", "slo:sli_errors", "slo:sli_total")):
            assert rule.expr.count("http_requests_total{") == rule.expr.count('tenant_id="shop"') > 0
            assert rule.labels["tenant_id"] == "shop"
    assert 'slo="shop-up",tenant_id="shop"' in found["SLOBudgetBurn page"].expr


def findings(policy, retention=None):
    return [(path, finding.code, finding.severity) for path, finding in slo_faults(policy, retention)]


@pytest.mark.parametrize(
    ("objective", "window", "dead"),
    [
        (0.9305, "30d", ["page"]),
        (0.9306, "30d", []),
        (0.9255, "28d", ["page"]),
        (0.9257, "28d", []),
        (0.66, "30d", ["page", "ticket"]),
        (0.67, "30d", ["page"]),
    ],
)
def test_objectives_whose_alerts_cannot_fire(objective, window, dead):
    faults = [f for _, f in slo_faults(support.slo(objective=objective, window=window), None) if f.code == "PHX661"]
    assert [f.message.split()[1] for f in faults] == dead


@pytest.mark.parametrize(
    ("window", "early"), [("7d", ["0.2333"]), ("14d", ["0.4667"]), ("28d", ["0.9333"]), ("30d", []), ("90d", [])]
)
def test_factors_below_one_are_told(window, early):
    faults = [f for _, f in slo_faults(support.slo(window=window), None) if f.code == "PHX662"]
    assert [f.message.rpartition(" fires at ")[2].split()[0] for f in faults] == early
    assert all(f.severity is Severity.WARNING for f in faults)


def test_an_alert_that_nobody_wants_has_no_faults():
    assert findings(support.slo(objective=0.5, alerting={"page": False, "ticket": False})) == []


def test_a_window_beyond_retention():
    assert findings(support.slo(), 30 * 86_400_000) == []
    assert findings(support.slo(), 30 * 86_400_000 - 1) == [(("spec", "window"), "PHX663", Severity.ERROR)]


def test_indicators_and_the_window_placeholder():
    ratio = {"errors": "sum(rate(x[5m]))", "total": "sum(rate(x[$window]))"}
    at = ("spec", "indicator", "ratio", "errors")
    assert findings(support.slo(indicator={"ratio": ratio})) == [(at, "PHX664", Severity.ERROR)]
    threshold = {"query": "rate(x[$window])", "op": "<", "value": 1}
    at = ("spec", "indicator", "threshold", "query")
    assert findings(support.slo(indicator={"threshold": threshold})) == [(at, "PHX664", Severity.ERROR)]


def test_each_group_reads_only_what_earlier_groups_record():
    from phoenix_gitops.promql import syntax

    for policy in (support.slo(), support.threshold_slo()):
        known = set()
        for group in slo.groups(policy, "30s"):
            for rule in group.rules:
                read = {s.name for s in syntax.selectors(syntax.parse(rule.expr))}
                assert {name for name in read if name.startswith("slo:")} <= known
            known |= {record.record for record in group.records}
