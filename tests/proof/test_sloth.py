"""Sloth as a peer: each SLO of the reference platform goes to both compilers, and the rules say and do the same.

The same: the pairs of windows, their factors, the error budget, what pages and what opens a ticket, the names of the
recorded ratios and of what is derived from them, and the evaluation at which a burn is told. Different, on purpose:

| | sloth | Phoenix |
|---|---|---|
| error budget in a threshold | 0.0009999999999999432 | 0.001, exactly as the objective is written |
| windows that no wanted alert reads | recorded | left out |
| requests, and no failed one ever | no ratio | 0 |
| no requests | NaN | no ratio |
| error ratio of the whole period | mean of the 5m ratios: a quiet hour weighs as a busy one | errors by requests |
| its series `slo:sli_error:ratio_rate30d` | recorded | within `slo:period_burn_rate:ratio` |
| a bool threshold | every query is the user's | recorded once as `slo:sli_bad:bool`, then averaged |
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from phoenix_gitops.model.slo import SLO
from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.rules import slo as rules
from tests.proof.judge import tool
from tests.proof.rule_tests import PROMTOOL, Bench
from tests.reference.platform import front
from tests.unit.rules import support

pytestmark = pytest.mark.proof

HOUR = 3600
ERRORS, GOOD = 'http_requests_total{code="500"}', 'http_requests_total{code="200"}'
PAIR = re.compile(r"slo:sli_error:ratio_rate(\w+)\{[^}]*\}\s*> \(?([0-9.]+) \* ([0-9.]+)")


@dataclass(frozen=True, slots=True)
class Foreign:
    """A group that sloth made."""

    name: str
    body: dict[str, Any]

    def plain(self) -> dict[str, Any]:
        """The group as a rule file holds it."""
        return self.body


def spec(slo: SLO) -> dict[str, Any]:
    """The SLO as sloth's users write it; a tenant's expressions are narrowed as ours are."""
    indicator, found = slo.spec.indicator, {}
    if indicator.ratio is not None:
        texts = {"error_query": indicator.ratio.errors, "total_query": indicator.ratio.total}
        found["events"] = {key: windowed(rules.expression(slo, text), text) for key, text in texts.items()}
    else:
        found["raw"] = {
            "error_ratio_query": f'avg_over_time({rules.BAD}{{slo="{slo.metadata.name}"}}[{{{{.window}}}}])'
        }
    alerting = slo.spec.alerting
    return {
        "name": slo.metadata.name,
        "objective": round(slo.spec.objective * 100, 9),
        "sli": found,
        "alerting": {
            "name": "SLOBudgetBurn",
            "page_alert": {"disable": not alerting.page},
            "ticket_alert": {"disable": not alerting.ticket},
        },
    }


def windowed(expression: str, text: str) -> str:
    assert expression.count("[5m]") == text.count("$window") > 0
    return expression.replace("[5m]", "[{{.window}}]")


def sloth(folder: Path, slos: Iterable[SLO]) -> tuple[int, str]:
    documents = [{"version": "prometheus/v1", "service": slo.spec.service, "slos": [spec(slo)]} for slo in slos]
    return generate(folder, yaml.safe_dump_all(documents))


def generate(folder: Path, text: str) -> tuple[int, str]:
    """The exit code, and the rules or what is wrong."""
    (folder / "slos.yaml").write_text(text)
    done = subprocess.run(
        [tool("sloth"), "generate", "--no-log", "-i", folder / "slos.yaml", "-o", folder / "rules.out"],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr if done.returncode else (folder / "rules.out").read_text()


def groups(text: str) -> dict[str, list[dict[str, Any]]]:
    """Sloth's groups by the name of the SLO."""
    return {
        document["groups"][0]["rules"][0]["labels"]["sloth_slo"]: document["groups"]
        for document in yaml.safe_load_all(text)
        if document
    }


def pairs(expr: str) -> list[tuple[str, float]]:
    """Windows and factors of an alert, in order."""
    return [(window, float(factor)) for window, factor, _ in PAIR.findall(expr)]


def budgets(expr: str) -> set[float]:
    return {round(float(budget), 12) for _, _, budget in PAIR.findall(expr)}


@pytest.fixture(scope="module")
def generated(tmp_path_factory) -> dict[str, tuple[SLO, list[dict[str, Any]]]]:
    """Every SLO of the platform, and what sloth makes of it."""
    world = front().world
    slos = sorted((slo for _, slo in world.of_kind(SLO)), key=lambda slo: slo.metadata.name)
    code, said = sloth(tmp_path_factory.mktemp("sloth"), slos)
    assert code == 0, said
    found = groups(said)
    return {slo.metadata.name: (slo, found[slo.metadata.name]) for slo in slos}


def test_each_slo_has_the_same_windows_factors_severities_and_records(generated, judge):
    for slo, theirs in generated.values():
        ours = [rule for group in rules.groups(slo, "30s") for rule in group.plain()["rules"]]
        peers = [rule for group in theirs for rule in group["rules"]]
        alerts = {rule["labels"]["burn"]: rule["expr"] for rule in ours if "alert" in rule}
        peer_alerts = {rule["labels"]["sloth_severity"]: rule["expr"] for rule in peers if "alert" in rule}
        assert alerts.keys() == peer_alerts.keys() == {tier.severity for tier in rules.tiers(slo)}
        for severity, expr in alerts.items():
            assert len(pairs(expr)) == 4
            assert pairs(expr) == pairs(peer_alerts[severity])
            assert budgets(expr) == budgets(peer_alerts[severity]) == {float(rules.budget(slo))}
        records = {rule["record"] for rule in ours if "record" in rule}
        peer_records = {rule["record"] for rule in peers if "record" in rule}
        unread = {rules.ratio(tier.long) for tier in rules.TIERS if tier not in rules.tiers(slo)}
        unread |= {rules.ratio(tier.short) for tier in rules.TIERS if tier not in rules.tiers(slo)}
        unread -= {rules.ratio(window) for window in rules.windows(slo)}
        assert peer_records - records == {"sloth_slo_info", rules.ratio(slo.spec.window), *unread}
        assert records - peer_records <= {"slo:info", rules.BAD, rules.ERRORS, rules.TOTAL}
    judge.took("sloth", len(generated), "SLOs, of which it makes the same")


def both(slo: SLO, folder: Path) -> list[Any]:
    """The groups of both compilers."""
    code, said = sloth(folder, [slo])
    assert code == 0, said
    return [*rules.groups(slo, "60s"), *(Foreign(group["name"], group) for group in groups(said)[slo.metadata.name])]


BURNS = {"20": (7, 1, 2), "10": (7, 4, 4), "4": (25, 20, 20), "2": (73, 37, 60), "0.9": (73, 12, 60)}
"""How many times too fast: hours of quiet, hours of burning, minutes between evaluations."""


def hours(severity: str, quiet: float, times: float) -> float | None:
    """After how many hours of burning a severity is told, by its pairs' factors and long windows."""
    found = []
    for tier in (tier for tier in rules.TIERS if tier.severity == severity):
        factor, long = float(rules.factor(tier, "30d")), milliseconds(tier.long) / 3_600_000
        if times > factor:
            filled = factor * long / times
            # A window that is longer than all there is sees just that: it tells too soon.
            found.append(filled if quiet + filled >= long else factor * quiet / (times - factor))
    return min(found, default=None)


@pytest.mark.parametrize("times", BURNS)
def test_both_tell_of_a_burn_at_the_same_evaluation(judge, tmp_path, times):
    quiet, burning, minutes = BURNS[times]
    bad = float(times)
    clean, step = quiet * 60, minutes * 60
    bench = Bench(tmp_path, judge, both(support.slo(), tmp_path), evaluate=step, engines=(PROMTOOL,))
    good = f"0+1000x{clean} {1000 * clean}+{1000 - bad:g}x{burning * 60}"
    case = bench.case({GOOD: good, ERRORS: f"0x{clean} 0+{bad:g}x{burning * 60}"})
    for severity in ("page", "ticket"):
        ours, theirs = (
            f'(count(ALERTS{{alertname="SLOBudgetBurn",alertstate="firing",{which}="{severity}"}}) or vector(0))'
            for which in ("burn", "sloth_severity")
        )
        for at in range(0, (quiet + burning) * HOUR + 1, step):
            case.expect(at, f"{ours} - {theirs}", {"{}": 0})
        after = hours(severity, quiet, bad)
        if after is None or after > burning:
            case.expect((quiet + burning) * HOUR, ours, {"{}": 0})
        else:
            told = int((quiet + after) * HOUR) // step * step
            case.expect(told - step, ours, {"{}": 0})
            case.expect(told + 2 * step, ours, {"{}": 1})
    bench.passes()


def test_where_they_differ(judge, tmp_path):
    """No failed request ever; none at all; and a busy time that weighs more than a quiet one."""
    slo = support.slo()
    bench = Bench(tmp_path, judge, both(slo, tmp_path), engines=(PROMTOOL,))
    ratio, period = rules.ratio("5m"), "slo:period_burn_rate:ratio"
    ours, theirs = '{slo="shop-up"}', '{sloth_slo="shop-up"}'

    never = bench.case({GOOD: "0+60x30"}, "never failed")
    never.expect(1200, f"{ratio}{ours} + 0", {'{service="shop",slo="shop-up"}': 0})
    never.expect(1200, f"{ratio}{theirs}", {})

    idle = bench.case({GOOD: "60x30", ERRORS: "1x30"}, "no requests")
    idle.expect(1200, f"{ratio}{ours}", {})
    idle.expect(1200, f"count({ratio}{theirs} != {ratio}{theirs})", {"{}": 1})

    # An hour of 600 requests a minute without an error, then one of 6 a minute of which 3 fail.
    busy = bench.case(
        {GOOD: f"0+600x60 {600 * 60 + 3}+3x60", ERRORS: "0x60 3+3x60"},
        "busy, then quiet",
    )
    budget = float(rules.budget(slo))
    busy.expect(7200, f"round(sum({period}{ours}) * {budget}, 0.01)", {"{}": 0})
    busy.expect(7200, f"round(sum({period}{theirs}) * {budget}, 0.05)", {"{}": 0.25})
    bench.passes()


FAULTS = {
    "objective": ({"objective": 101}, "objective must >0 and <=100"),
    "window": ({"sli": {"events": {"error_query": "sum(rate(x[5m]))", "total_query": "y"}}}, "invalid SLI"),
    "syntax": ({"sli": {"raw": {"error_ratio_query": "sum(rate(x[{{.window}}])"}}}, "invalid SLI"),
    "nothing": ({"sli": {}}, "invalid SLI"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_sloth_refuses_what_is_wrong(judge, tmp_path, fault):
    change, said = FAULTS[fault]
    document = {"version": "prometheus/v1", "service": "shop", "slos": [{**spec(support.slo()), **change}]}
    code, found = generate(tmp_path, yaml.safe_dump(document))
    assert code == 1
    assert said in found
    judge.refused("sloth", 1, "planted faults")
