"""Every rule is named by a test, or said to have none; overrides; names of files; detection times."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phoenix_gitops.artifact import PolicyRef, ProofFile
from phoenix_gitops.diagnostics import Severity
from phoenix_gitops.emitters.rules import plain
from phoenix_gitops.model.ruleset import RuleSet
from phoenix_gitops.model.slo import SLO
from phoenix_gitops.rules import rulesets
from phoenix_gitops.rules.platform import RuleFile, platform_files
from phoenix_gitops.ruletests.burning import detection
from phoenix_gitops.ruletests.files import files_of, platform_tests, proof_files, untested
from phoenix_gitops.ruletests.owned import RuleTests, owned_tests
from tests.unit.rules import support


def rule_set(**spec):
    return support.decoded(RuleSet, {"metadata": {"name": "own", "owner": "o"}, "spec": spec})


def own_file(rules):
    groups = tuple(rulesets.groups(rules, "30s"))
    return RuleFile(name="ruleset-own", policy=PolicyRef("RuleSet", "own"), groups=groups)


def own(rules):
    file = own_file(rules)
    return file, owned_tests(file.groups, [], [rules])


def alert(expr, **more):
    return {"alert": "A", "expr": expr, "summary": "s", **more}


def test_every_rule_of_the_platform_is_named_by_a_test():
    scope = support.cluster_scope()
    found = list(platform_files(scope))
    assert {file.name for file in found} >= {"pipelines", "platform-alerts", "costs", "quotas", "control"}
    for file in found:
        tested = platform_tests(scope, file)
        assert untested(file.groups, tested) == ()
        assert tested.without == ()
        if file.policy.kind in ("Environment", "ControlPolicy"):
            # What a rule of ours means is written down beside it, not read from its expression.
            assert [
                test.name for test in tested.tests if "known values" in test.name or "pass the bound" in test.name
            ] == []


def test_a_rule_of_ours_without_a_test_is_our_bug():
    scope = support.cluster_scope()
    file = next(file for file in platform_files(scope) if file.name == "costs")
    with pytest.raises(AssertionError, match=r"no test names .*phoenix:pipeline_cost_per_month"):
        list(proof_files(file, lambda: RuleTests(()), plain(file), plain(file)))


EXPRESSIONS = (
    "max(x) > 1000",
    "sum(rate(x_total[5m])) == 0",
    "sum by (a) (rate(x_total[5m])) > 3",
    'sum(rate(x_total{code=~"5.."}[5m])) / sum(rate(x_total[5m])) > 0.05',
    'absent(x{job="a"})',
    "x > 5 and on (a) y > 2",
    "min_over_time(x[10m]) < 0.5",
    "avg(x) * 100 >= 90",
    "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m]))) > 0.5",
)


@pytest.mark.parametrize("expr", EXPRESSIONS[:-1])
def test_inputs_for_conditions_of_others_are_found(expr):
    file, tested = own(rule_set(alerts=[alert(expr, **{"for": "5m"})]))
    assert tested.without == ()
    assert untested(file.groups, tested) == ()


@pytest.mark.parametrize(
    ("expr", "why"),
    [
        ("predict_linear(x[1h], 3600) < 0", "predict_linear()"),
        ("x > 5 and x < 3", "a condition that no levels of its series make true and false"),
        ("max_over_time(x[5m:1m]) > 1", "a subquery"),
    ],
)
def test_what_is_not_solved_is_a_note(expr, why):
    file, tested = own(rule_set(alerts=[alert(expr)]))
    (note,) = proof_files(file, lambda: tested, plain(file), plain(file))
    assert (note.code, note.severity) == ("PHX785", Severity.NOTE)
    assert note.message == f'no test is generated for `A{{severity="warning"}}`: {why}'


def test_an_override_takes_the_tests_of_its_rule_away():
    file, tested = own(rule_set(records=[{"record": "r:x", "expr": "sum(x)"}], alerts=[alert("max(x) > 10")]))
    after = plain(file)
    after["groups"][1]["rules"][0]["for"] = "1m"
    note, left = proof_files(file, lambda: tested, plain(file), after)
    assert "an override changes it" in note.message
    assert isinstance(left, ProofFile)
    assert [test["name"] for test in left.body["tests"]] == ["r:x: known values"]


def test_tests_with_other_steps_stand_in_files_of_their_own():
    file, tested = own(rule_set(alerts=[alert("max(x) > 10", **{"for": "90s"})]))
    wide = replace(tested.tests[0], every=86_400)
    assert [one.name for one in files_of(file, [*tested.tests, wide])] == ["ruleset-own", "ruleset-own.1d"]


def slo(objective, **spec):
    ratio = {"errors": 'sum(rate(x{c="5"}[$window]))', "total": "sum(rate(x[$window]))"}
    given = {"service": "s", "objective": objective, "indicator": {"ratio": ratio}, **spec}
    return support.decoded(SLO, {"metadata": {"name": "own", "owner": "o"}, "spec": given})


@pytest.mark.parametrize(
    ("severity", "share", "seconds"),
    [("page", 1.0, 51.84), ("page", 0.1, 518.4), ("ticket", 1.0, 259.2), ("page", 0.0144, 9000), ("page", 0.005, None)],
)
def test_when_it_pages(severity, share, seconds):
    found = detection(slo(0.999), severity, share)
    assert (found and round(found.exact, 6)) == seconds
