"""All generated rules, loaded and evaluated: Prometheus and VictoriaMetrics see the same hours, with the same faults.

Each environment has a story of its own (`STORIES`), and each alert fires in one of them. Both engines agree on what is
recorded at every step, as far as `replay.agreement` says, and on what fires and when.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.promql.syntax import Selector
from tests.proof.replay import rules, running
from tests.proof.replay.agreement import disagreements
from tests.proof.replay.engines import PROMETHEUS, VICTORIA, Engine, Samples
from tests.proof.replay.rules import Group
from tests.proof.replay.series import Series
from tests.proof.replay.shown import panels
from tests.proof.replay.story import CALM, END, FAULT, MINUTE, Between, Story
from tests.reference.platform import front

pytestmark = pytest.mark.proof

WHOLE = Between(FAULT, CALM)
STORIES = {
    "reference": (
        "reference",
        Story(
            environment="reference", failing=("benchmark",), refusing=True, heavy=True, slow=True, down="experimental"
        ),
    ),
    "dev": (
        "dev",
        Story(
            environment="dev",
            idle=("playground",),
            waiting=("loadtest",),
            growth=5000,
            crowd=(("ghost", 0, 3, WHOLE),),
        ),
    ),
    "prod-eu": (
        "eu-west-1",
        Story(
            environment="prod-eu",
            scale=3,
            waves=True,
            hidden=True,
            growth=14_000,
            # The quotas are 20000 series and 1400 points a second, which are 21000 series.
            crowd=(
                ("gdpr-desk", 0, 19_000, Between(FAULT, FAULT + 40 * MINUTE)),
                ("gdpr-desk", 19_000, 21_500, Between(FAULT + 20 * MINUTE, FAULT + 40 * MINUTE)),
            ),
        ),
    ),
    "prod-us": (
        "us-west-2",
        Story(
            environment="prod-us",
            scale=3,
            failing=("checkout", "email"),
            idle=("cart",),
            waiting=("payments",),
            down="optimized",
        ),
    ),
}
EXPECTED = {
    "reference": {
        *("PhoenixDataRefused gateway-0", "PhoenixDataRefused gateway-1", "PhoenixResourceExhaustion gateway-0"),
        *("PhoenixPipelineSilent experimental", "PhoenixSignalDegradation experimental"),
        "PhoenixSLOViolation optimized",
        *("SLOBudgetBurn platform-availability page", "SLOBudgetBurn platform-availability ticket"),
        *("SLOBudgetBurn platform-latency page", "SLOBudgetBurn platform-latency ticket"),
        "SLOBudgetBurn benchmark-scenarios ticket",  # It wants no pages.
    },
    "dev": {
        *("PhoenixCardinalityExplosion full", "PhoenixStorageCapacity"),
        *("PhoenixContractBroken optimized max", "PhoenixContractBroken experimental max"),
        *("PhoenixCostBudget warning", "PhoenixCostBudget critical"),
        *("PhoenixTenantUnknown ghost", "LoadtestBacklog loadtest", "PlaygroundNoTraffic playground"),
    },
    "prod-eu": {
        *("PhoenixCardinalityExplosion full", "PhoenixCardinalityExplosion optimized", "PhoenixStorageCapacity"),
        *("PhoenixContractBroken optimized max", "PhoenixContractBroken experimental max"),
        *("PhoenixCostBudget warning", "PhoenixCostBudget critical"),
        *("PhoenixControlEmergency optimized", "PhoenixControlOscillation optimized"),
        *("PhoenixControlLoopInstability optimized", "SLOBudgetBurn platform-stability ticket"),
        *("PhoenixProfileAdvised optimized balanced", "PhoenixProfileAdvised optimized conservative"),
        *("PhoenixSignalDegradation optimized", "PhoenixSLOViolation optimized"),
        *("SLOBudgetBurn platform-preservation page", "SLOBudgetBurn platform-preservation ticket"),
        *("PhoenixTenantQuotaNear gdpr-desk activeSeries", "PhoenixTenantQuotaNear gdpr-desk ingestRate"),
        *("PhoenixTenantQuotaExceeded gdpr-desk activeSeries", "PhoenixTenantQuotaExceeded gdpr-desk ingestRate"),
    },
    "prod-us": {
        *("PhoenixPipelineSilent optimized", "PhoenixControlStale"),
        *("PhoenixSignalDegradation optimized", "PhoenixSLOViolation optimized"),
        *("SLOBudgetBurn platform-preservation page", "SLOBudgetBurn platform-preservation ticket"),
        *("SLOBudgetBurn checkout-availability page", "SLOBudgetBurn checkout-availability ticket"),
        "SLOBudgetBurn email-deliveries ticket",  # It wants no pages.
        *("CartNoTraffic cart", "PaymentsBacklog payments"),
    },
}
"""What fires in each story: the alert, and what tells it from others of its name."""
TELLING = ("pod", "slo", "burn", "phoenix_pipeline", "pipeline", "bound", "profile", "tenant_id", "quota")
OF_TWO = ("PhoenixCostBudget",)
"""Alerts that only their severity tells apart."""
NOT_TOLD = {
    "PhoenixSeriesBudgetNear": "it counts real series: 360,000 of them in the smallest environment",
}
_NOT_TOLD = {"Phoenix: overview: Processes that use most CPU: observatory": "no story tells of processes there"}
EMPTY = dict.fromkeys(("reference", "prod-eu", "prod-us"), _NOT_TOLD)
"""Panels that show nothing, neither on a quiet day nor amid faults, by environment and place, with the reason."""
BURNING_ON = "SLOBudgetBurn"
"""The alert that outlasts its cause: long windows remember."""
TENANTS_OWN = re.compile("[A-Z][A-Za-z]+(NoTraffic|Backlog)")
"""Alerts of the tenants' RuleSets: they say the same of each, and one of each kind is told."""


@pytest.fixture(scope="module", params=STORIES)
def told(request, tmp_path_factory) -> Iterator[running.Told]:
    cluster, one = STORIES[request.param]
    with running.told(tmp_path_factory.mktemp(request.param), front().world, one, cluster) as found:
        yield found


def step_of(groups: list[Group], record: str) -> int:
    return next(
        milliseconds(group["interval"]) // 1000
        for group in groups
        for rule in group["rules"]
        if rule.get("record") == record
    )


def count(groups: list[Group]) -> int:
    return sum(len(group["rules"]) for group in groups)


def reads(selector: Selector, series: Series) -> bool:
    """Whether a selector takes a series; regular expressions are anchored in PromQL."""
    for match in selector.matches:
        value = series.labels.get(match.label, "")
        same = re.fullmatch(match.value, value) is not None if "~" in match.op else match.value == value
        if same is match.op.startswith("!"):
            return False
    return selector.name in ("", series.name)


def test_every_rule_reads_what_the_catalogue_knows(told):
    recorded = rules.records(told.groups)
    read = {s for group in told.groups for s in rules.selectors(group) if s.name not in recorded}
    assert len(read) > 10
    for selector in read:
        assert any(reads(selector, series) for series in told.inputs), selector


def test_both_engines_record_the_same(told, judge):
    names = rules.records(told.groups)
    for name in sorted(names):
        ours, theirs = (engine.samples(name, END) for engine in told.engines)
        assert ours, f"{name} is never recorded"
        assert not [at for values in ours.values() for at, value in values.items() if value != value], f"{name} is NaN"
        assert not [dict(labels) for labels in theirs for key, _ in labels if key.startswith("exported_")]
        assert list(disagreements(ours, theirs, step_of(told.groups, name))) == [], name
    for engine in (PROMETHEUS, VICTORIA):
        judge.took(engine, count(told.groups), "rules over hours with faults")
    judge.took("vmalert", 2 * count(told.groups), "rules replayed")


def fired(engine: Engine) -> dict[str, tuple[int, int]]:
    """The first and the last time at which each alert fires."""
    found: dict[str, tuple[int, int]] = {}
    for labels, values in engine.samples('ALERTS{alertstate="firing"}', END).items():
        have = dict(labels)
        told = dict.fromkeys(have[key] for key in TELLING if key in have and (key != "tenant_id" or "slo" not in have))
        last = [have["severity"]] if have["alertname"] in OF_TWO else []
        name = " ".join([have["alertname"], *told, *last])
        assert name not in found, f"two are called {name}"
        found[name] = (min(values), max(values))
    return found


def test_the_faults_fire_just_these_alerts_in_both_engines_at_the_same_time(told):
    ours, theirs = (fired(engine) for engine in told.engines)
    assert set(ours) == set(theirs) == EXPECTED[told.story.environment]
    steps = {rule["alert"]: group["interval"] for group in told.groups for rule in group["rules"] if "alert" in rule}
    for name, (first, last) in ours.items():
        step = milliseconds(steps[name.split()[0]]) // 1000
        assert abs(theirs[name][0] - first) <= step, name
        assert abs(theirs[name][1] - last) <= step, name


def test_nothing_fires_before_the_faults_or_sooner_than_it_may_and_all_but_budgets_is_calm_at_the_end(told):
    holds = {
        rule["alert"]: milliseconds(rule.get("for", "0s")) // 1000
        for group in told.groups
        for rule in group["rules"]
        if "alert" in rule
    }
    for engine in told.engines:
        for name, (first, last) in fired(engine).items():
            alert = name.split()[0]
            assert first >= FAULT + holds[alert], (engine.name, name, first)
            assert last < END or alert == BURNING_ON, (engine.name, name, last)


def test_every_panel_of_every_dashboard_shows_something(told, judge):
    shown = list(panels(told.story.environment, STORIES[told.story.environment][0]))
    for engine in told.engines:
        empty = [p.place for p in shown if not any(p.values(engine, at) for at in (FAULT - MINUTE, CALM - MINUTE))]
        assert sorted(empty) == sorted(EMPTY.get(told.story.environment, {})), engine.name
        if shown:
            judge.took(engine.name, len(shown), "queries of dashboards that show something")
            assert shown[0].values(engine, END + 2 * 3600) == 0, "nothing is shown of a time without samples"


def test_every_environment_with_dashboards_has_a_story_of_them():
    world = front().world
    wanting = {name for name, found in world.environments.items() if found.spec.dashboards is not None}
    assert wanting
    assert wanting == {name for name, (cluster, _) in STORIES.items() if any(panels(name, cluster))}


def test_every_alert_fires_in_some_story():
    alerts = {
        rule["alert"]
        for cluster, one in STORIES.values()
        for group in rules.cluster_groups(one.environment, cluster)
        for rule in group["rules"]
        if "alert" in rule
    }
    fire = {name.split()[0] for expected in EXPECTED.values() for name in expected}
    assert {alert for alert in alerts - fire if not TENANTS_OWN.fullmatch(alert)} == set(NOT_TOLD)
    assert {TENANTS_OWN.sub(r"\1", alert) for alert in alerts - fire} - set(NOT_TOLD) <= {"NoTraffic", "Backlog"}
    assert {TENANTS_OWN.sub(r"\1", alert) for alert in fire} >= {"NoTraffic", "Backlog"}


def test_another_value_another_end_and_another_series_are_disagreements():
    labels = frozenset({("__name__", "a:b"), ("i", "1")})
    flat: Samples = {labels: dict.fromkeys(range(0, 3000, 30), 10.0)}
    assert list(disagreements(flat, flat, 30)) == []
    higher = {labels: {at: value + (0.3 if at == 900 else 0) for at, value in flat[labels].items()}}
    assert list(disagreements(flat, higher, 30)) == [
        "{'__name__': 'a:b', 'i': '1'} is 10.0 in one engine and 10.3 in the other at 900 s"
    ]
    cut = {labels: {at: value for at, value in flat[labels].items() if at < 2940}}
    assert list(disagreements(flat, cut, 30)) == []
    del cut[labels][2910]
    assert list(disagreements(flat, cut, 30)) == [
        "{'__name__': 'a:b', 'i': '1'} is in one engine only from 2910 s on, for more than 2 evaluations"
    ]
    assert list(disagreements(flat, {}, 30)) == ["{'__name__': 'a:b', 'i': '1'} is in one engine only"]
