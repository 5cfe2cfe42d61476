"""No threshold is baked in (21): every number in a rule of ours comes from a policy, or has a name here.

A number that is written into a rule and happens to be what the policy says would go unnoticed. So all of it is looked
at twice: in `reference`, and in the same environment with other numbers in every policy behind its rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import msgspec
import pytest

from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.scope import EnvironmentScope
from phoenix_gitops.world import World, decode_data
from tests.reference.platform import Output, compiled, front
from tests.reference.promql import numbers, ranges
from tests.unit.collector.scopes import over

LAW = {
    "setPoint": 21013,
    "profiles": [
        {"name": "conservative", "above": 0, "pipelines": ["full", "optimized"]},
        {"name": "balanced", "above": 15101, "pipelines": ["full", "optimized"]},
        {"name": "aggressive", "above": 25307, "pipelines": ["full", "optimized", "experimental"]},
    ],
    "hysteresis": 0.13,
    "interval": "70s",
    "stability": "140s",
    "pid": {"kp": 0.53, "ki": 0.17, "kd": 0.059, "integralLimit": 10103},
    "oscillation": {"max": 5, "window": "14m"},
    "lockout": "9m20s",
    "explosion": {
        **{"growth": 10301, "limit": 1000211, "zscore": 3.7, "risk": 0.73},
        "weights": {"series": 0.38, "growth": 0.46, "anomaly": 0.16},
    },
    "guard": {
        "signalDegradation": {"value": 0.951, "for": "6m"},
        "cardinalityExplosion": {"value": 1009, "for": "3m"},
        "resourceExhaustion": {"value": 0.91, "for": "6m"},
        "controlInstability": {"value": 0.81, "for": "11m"},
        "objectives": {"preservation": 0.981, "reduction": 0.153, "latencyMs": 53, "for": "11m"},
    },
    "costReductionTarget": 0.71,
}
OTHER: dict[tuple[str, str], dict[str, Any]] = {
    ("ControlPolicy", "standard"): LAW,
    ("Platform", "phoenix"): {
        "prices": {
            **{"perMillionPoints": "0.13", "perGigabyteStored": "0.07", "perCoreMonth": "53"},
            "perGibibyteMonth": "11",
        }
    },
    ("Environment", "reference"): {
        "telemetry": {"scrapeInterval": "14s", "evaluationInterval": "28s"},
        "budget": {"activeSeries": 1000213, "monthlyCost": "1013"},
        "gateway": {"resources": {"cpuRequest": "510m", "memoryRequest": "1100Mi", "memoryLimit": "1100Mi"}},
        "agent": {"resources": {"memoryLimit": "520Mi"}},
    },
    ("Pipeline", "optimized"): {"contract": {"reductionMin": 0.154, "reductionMax": 0.61}},
    ("Pipeline", "experimental"): {"contract": {"reductionMin": 0.41, "reductionMax": 0.91}},
    ("SLO", "platform-availability"): {"objective": 0.9991},
    ("SLO", "platform-latency"): {"objective": 0.9992, "indicator": {"threshold": {"value": 103}}},
    ("SLO", "platform-preservation"): {"objective": 0.991, "indicator": {"threshold": {"value": 0.982}}},
    ("SLO", "platform-stability"): {"objective": 0.951, "indicator": {"threshold": {"value": 0.83}}},
}
"""Other numbers than `reference` has."""

UNITS = {
    0: ("nothing", ".*"),
    1: ("all, one profile on, or a byte a point", ".*"),
    2: ("the average of two shares", "phoenix:resource_efficiency_score"),
    1000: ("milliseconds a second", "phoenix:pipeline_latency_ms_p99"),
    1024: ("MiB a GiB", "phoenix:collector_cost_per_month"),
    1_048_576: ("bytes a MiB", "phoenix:collector_memory_usage_mb"),
    1e6: ("a million points", "phoenix:(pipeline|tenant)_cost_per_month"),
    1e9: ("a gigabyte", "phoenix:(pipeline|tenant)_cost_per_month"),
    2_592_000: ("seconds a month of 30 days", "phoenix:(pipeline|tenant)_cost_per_month"),
    0.99: ("what `_p99` in the name says", "phoenix:pipeline_latency_ms_p99"),
    0.8: ("the share of a budget that is told first", "PhoenixCostBudget"),
    **dict.fromkeys((14.4, 6.0, 3.0), ("how many times too fast a budget burns", "SLOBudgetBurn")),
    0.9: ("the share of a capacity or quota that is near it", "Phoenix.*(Near|Capacity)"),
}
"""Numbers that are no policy's: what each is, and the rules that may hold it."""
RANGES = {
    300: "over which rates and growth are taken",
    3600: "the hour of the mean that a z-score is against",
}
MEMORY = 5
"""Steps after which a latch forgets."""
WINDOWS = {milliseconds(window) / 1000 for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d")}


@cache
def world(other: bool) -> World:
    found = front().world
    assert found is not None
    if other:
        for (kind, name), spec in OTHER.items():
            plain = over(msgspec.to_builtins(found.policies[kind, name]), {"spec": spec})
            for cluster in plain["spec"].get("clusters", []):
                cluster["capacity"]["activeSeries"] = 1000231
            found = found.with_policy((kind, name), decode_data(kind, plain))
    return found


@cache
def rules(other: bool) -> tuple[tuple[str, str], ...]:
    """(name, expression) of the platform's own rules: what tenants wrote, and their quotas, are not ours."""
    output = compiled(replace(front(), world=world(other)), "reference")
    return tuple(own_rules(output))


def own_rules(found: Output) -> Iterator[tuple[str, str]]:
    for prometheus_rule in found.of_kind("PrometheusRule"):
        if not prometheus_rule["metadata"]["name"].startswith("tenant"):
            for group in prometheus_rule["spec"]["groups"]:
                for rule in group["rules"]:
                    yield rule.get("record") or rule["alert"], rule["expr"]


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
    """Every number that a policy behind an environment's own rules says, and what simple sums make of it."""
    assert env.control is not None
    spec = env.environment.spec
    specs: Iterable[object] = (
        *(env.platform.spec.prices, env.control.spec, spec.telemetry, spec.gateway.resources, spec.agent.resources),
        *(spec.budget.active_series, spec.budget.monthly_cost, *(cluster.capacity for cluster in spec.clusters)),
        *(pipeline.spec.contract for pipeline in env.pipelines),
        *(slo.spec for slo in env.slos),
    )
    found = {n for part in specs for n in leaves(msgspec.to_builtins(part))}
    law = env.control.spec
    for profile in law.profiles:
        found |= {profile.above * (1 + law.hysteresis), profile.above * (1 - law.hysteresis)}
    found |= {law.explosion.limit / 2, law.explosion.growth / 2, -law.pid.integral_limit}
    found |= {weight / 2 for weight in msgspec.to_builtins(law.explosion.weights).values()}
    found |= {1 - slo.spec.objective for slo in env.slos}
    found |= {milliseconds(slo.spec.window) / 86_400_000 for slo in env.slos}
    found |= {milliseconds(law.oscillation.window) / milliseconds(law.interval), *range(len(law.profiles))}
    return {round(n, 9) for n in found}


@pytest.mark.parametrize("other", [False, True], ids=["reference", "other numbers"])
def test_every_number_in_a_rule_is_said_by_a_policy_or_has_a_name(other):
    allowed = said(world(other).environment("reference"))
    read = 0
    for name, expr in rules(other):
        for number in numbers(expr):
            _, only = UNITS.get(number, ("", "no rule"))
            assert round(number, 9) in allowed or re.fullmatch(only, name), (name, number)
            read += 1
    assert read > 100


def test_other_numbers_are_other_numbers():
    """Of those of `reference` only a count of two and the window of 30 days are left."""
    one, other = (
        {number for name, expr in rules(kind) for number in numbers(expr) if number not in UNITS}
        for kind in (False, True)
    )
    assert one & other <= said(world(False).environment("reference")) & {2, 30}


@pytest.mark.parametrize("other", [False, True], ids=["reference", "other numbers"])
def test_every_range_in_a_rule_is_said_by_a_policy_or_has_a_name(other):
    """Those of the law are whole steps and a half, so that they hold so many values (37).

    What changed is read from half a step ago, over whole steps.
    """
    env = world(other).environment("reference")
    assert env.control is not None
    step = milliseconds(env.control.spec.interval) / 1000
    windows = {milliseconds(slo.spec.window) / 1000 for slo in env.slos} | WINDOWS
    for name, expr in rules(other):
        for seconds in ranges(expr):
            of_the_law = name.startswith("phoenix:control_") and (
                seconds % step == step / 2 or seconds == MEMORY * step
            )
            of_a_budget = name.startswith(("slo:", "SLO")) and seconds in windows
            assert seconds in RANGES or of_the_law or of_a_budget, (name, seconds)


@pytest.mark.parametrize("other", [False, True], ids=["reference", "other numbers"])
def test_the_latch_looks_back_as_long_as_the_policy_says(other):
    law = world(other).environment("reference").control
    assert law is not None
    step = milliseconds(law.spec.interval)
    hold, window = (milliseconds(time) // step for time in (law.spec.stability, law.spec.oscillation.window))
    lockout = milliseconds(law.spec.lockout) // step - 1
    (latch,) = (expr for name, expr in rules(other) if name == "phoenix:control_profile")
    # Between the profiles of the window is one change less; the latest of these is not recorded yet.
    whole = {(n * step + step // 2) // 1000 for n in (hold, window - 2, lockout, MEMORY)}
    assert ranges(latch) == {*whole, MEMORY * step // 1000}
    assert len(ranges(latch)) == 5
