"""All generated rules, loaded and evaluated: Prometheus and VictoriaMetrics see the same hours, with the same faults.

Each environment has a story of its own (`STORIES`), and each alert fires in one of them. Both engines agree on what is
recorded at every step, as far as `replay.agreement` says, and on what fires and when.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.promql.syntax import Selector
from tests.proof.cluster.process import started, wait_until
from tests.proof.judge import PROOF, free_ports, tool
from tests.proof.replay import engines, rules, running, story
from tests.proof.replay.agreement import disagreements
from tests.proof.replay.engines import PROMETHEUS, VICTORIA, Engine, Samples
from tests.proof.replay.remote_write import bodies
from tests.proof.replay.rules import Group
from tests.proof.replay.series import SCRAPE, START, Series
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
BURNING_ON = "SLOBudgetBurn"
"""The alert that outlasts its cause: long windows remember."""
TENANTS_OWN = re.compile("[A-Z][A-Za-z]+(NoTraffic|Backlog)")
"""Alerts of the tenants' RuleSets: they say the same of each, and one of each kind is told."""

LIVE = 40
"""Samples before now that rules which run live can look back on."""


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


# Live: the rules of each cluster in both evaluators, over the last minutes.


def rule_sets() -> dict[str, list[Group]]:
    """What clusters load, each set once; the name is that of the first cluster that has it."""
    found: dict[str, list[Group]] = {}
    for folder in sorted(PROOF.glob("*/*/rules")):
        groups = rules.cluster_groups(*folder.parts[-3:-1])
        if groups not in found.values():
            found["/".join(folder.parts[-3:-1])] = groups
    return found


def load(folder: Path, groups: list[Group]) -> None:
    """Put groups where both evaluators look, once a second each: what is asked is whether they can be evaluated."""
    (folder / "rules").mkdir(exist_ok=True)
    text = json.dumps({"groups": [{**group, "interval": "1s"} for group in groups]})
    (folder / "rules" / "all.yaml").write_text(text)


def lately(inputs: list[Series]) -> list[Series]:
    """The first samples of a story, as if they had been taken just now."""
    shift = int(time.time()) - START - (LIVE - 1) * SCRAPE
    return [Series(s.labels, tuple((at + shift, v) for at, v in s.samples[:LIVE])) for s in inputs if s.samples]


def health(port: int) -> list[tuple[str, str, str]]:
    """Each rule that has been evaluated: its name, its health, and its last error."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/api/v1/rules")
        groups = json.loads(connection.getresponse().read())["data"]["groups"]
    except OSError:
        return []
    finally:
        connection.close()
    return [
        (rule["name"], rule["health"], rule.get("lastError", ""))
        for group in groups
        for rule in group["rules"]
        if not rule["lastEvaluation"].startswith("0001")
    ]


@contextmanager
def evaluator(folder: Path, engine: Engine) -> Iterator[int]:
    """The port of a vmalert that evaluates `folder/rules` over an engine."""
    (port,) = free_ports(1)
    command = [
        tool("vmalert"),
        f"-rule={folder}/rules/*.yaml",
        f"-datasource.url={engine.url}",
        f"-remoteWrite.url={engine.url}",
        "-remoteWrite.flushInterval=100ms",
        "-rule.evalDelay=0s",
        "-notifier.blackhole",
        f"-httpListenAddr=127.0.0.1:{port}",
    ]
    with started("vmalert", command, folder / "vmalert.log"):
        yield port


def evaluated(port: int, number: int) -> list[tuple[str, str, str]]:
    """The health of so many rules, when all have been evaluated."""
    wait_until(f"{number} rules evaluated", lambda: len(health(port)) == number, seconds=90)
    return health(port)


def test_both_evaluators_take_all_rules_of_every_cluster(judge, tmp_path):
    sets = rule_sets()
    with engines.prometheus(tmp_path) as ours, engines.victoria_metrics(tmp_path) as theirs:
        for name, groups in sets.items():
            inputs = lately(story.samples(Story(environment=name.split("/")[0]), front().world))
            for engine in (ours, theirs):
                engine.write(bodies(inputs))
            load(tmp_path, groups)
            assert ours.call("POST", "/-/reload")[0] == 200, ours.process.last_words()
            with evaluator(tmp_path, theirs) as port:
                for who, where in ((PROMETHEUS, ours.port), ("vmalert", port)):
                    found = evaluated(where, count(groups))
                    assert [rule for rule in found if rule[1:] != ("ok", "")] == [], (who, name)
                    judge.took(who, len(found), "rules loaded and healthy")


# Negative: each judge sees what is wrong.

SICK = {
    "a range": ("x[5m]", "rule result is not a vector or scalar", ""),
    "sides that do not match": (
        "x * on (i) group_left () y",
        "found duplicate series for the match group",
        "duplicate",
    ),
}
"""Rules that every check of files takes, and what the evaluators say: nothing where MetricsQL knows a meaning."""


def test_what_only_evaluation_shows_is_seen(judge, tmp_path):
    inputs = [
        Series({"__name__": name, "i": "1", "j": j}, tuple((at, 1.0) for at in range(0, LIVE * SCRAPE, SCRAPE)))
        for name in "xy"
        for j in "ab"
    ]
    with engines.prometheus(tmp_path) as ours, engines.victoria_metrics(tmp_path) as theirs:
        for engine in (ours, theirs):
            engine.write(bodies(lately(inputs)))
        load(
            tmp_path,
            [{"name": name, "rules": [{"record": "a:b", "expr": sick[0]}]} for name, sick in SICK.items()],
        )
        assert ours.call("POST", "/-/reload")[0] == 200
        with evaluator(tmp_path, theirs) as port:
            for who, where, column in ((PROMETHEUS, ours.port, 1), ("vmalert", port, 2)):
                said = [error for _, _, error in sorted(evaluated(where, len(SICK)), key=lambda rule: rule[2])]
                for sick in SICK.values():
                    if sick[column]:
                        assert any(sick[column] in error for error in said), (who, said)
                        judge.refused(who, 1, "rules that cannot be evaluated")
        load(tmp_path, [{"name": "g", "rules": [{"record": "a:b", "expr": "ratee(x[5m])"}]}])
        assert ours.call("POST", "/-/reload")[0] == 500
        judge.refused(PROMETHEUS, 1, "rule files")
        status, error = theirs.query("ratee(x[5m])", END)
        assert status == 400
        assert 'unsupported function "ratee"' in error
        judge.refused(VICTORIA, 1, "expressions")


def test_a_replay_that_fails_is_seen(judge, tmp_path):
    inputs = [Series({"__name__": name, "i": "1", "j": j}, ((0, 1.0), (30, 1.0))) for name in "xy" for j in "ab"]
    with engines.victoria_metrics(tmp_path) as engine:
        engine.write(bodies(inputs))
        rule = {"record": "a:b", "expr": SICK["sides that do not match"][0]}
        with pytest.raises(AssertionError, match="duplicate"):
            rules.replay(tmp_path, [engine], [{"name": "g", "interval": "30s", "rules": [rule]}], 60)
    judge.refused("vmalert", 1, "replays of rules that cannot be evaluated")


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
