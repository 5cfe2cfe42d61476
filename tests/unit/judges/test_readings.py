"""What judges say, as they said it, and what is read of it. `tests/proof/test_phoenix_test.py` asks the real ones."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_gitops.judges import collector_faults, promtool, vmalert
from phoenix_gitops.judges.verdicts import Verdict, place_of_rule, rule_named

BAD: dict[str, Any] = {
    "groups": [
        {"name": "g", "rules": [{"record": "a:b", "expr": "sum("}, {"alert": "A", "expr": "x"}]},
        {"name": "h", "rules": [{"alert": "A", "expr": "x"}]},
    ]
}
TEST: dict[str, Any] = {
    "tests": [
        {
            "alert_rule_test": [{"eval_time": "1m", "alertname": "A"}, {"eval_time": "2m", "alertname": "A"}],
            "promql_expr_test": [{"eval_time": "120s", "expr": 'a{b="c"}'}],
            "metricsql_expr_test": [{"eval_time": "2m", "expr": "a:b"}],
        }
    ]
}


def load(file: str) -> Any:
    return {"bad.yaml": BAD, "test.yaml": TEST}.get(file)


def short(verdict: Verdict) -> list[tuple[str, str, tuple[str | int, ...], int]]:
    assert verdict.given, verdict
    return [(refusal.about, refusal.message, refusal.at, refusal.line) for refusal in verdict.refusals]


PROMTOOL_3 = """\
Checking bad.yaml
  FAILED:
bad.yaml: 7:11: group "g", rule 1, "a:b": could not parse expression: 1:22: parse error: unclosed left parenthesis
bad.yaml: group "g", rule 2, "A": annotation "s": template: __alert_A:1: undefined variable "$valu"
bad.yaml: 12:3: groupname: "g" is repeated in the same file
Checking good.yaml
  SUCCESS: 2 rules found

Checking unknown.yaml
  FAILED:
unknown.yaml: yaml: unmarshal errors:
  line 9: field exprr not found in type rulefmt.Rule
Checking twice.yaml
  FAILED:
lint error 1 duplicate rule(s) found.
Metric: a:b
Label(s):
Might cause inconsistency while recording expressions

"""
FILES = ("bad.yaml", "good.yaml", "unknown.yaml", "twice.yaml")


def test_what_promtool_refuses() -> None:
    verdict = promtool.read_check(FILES, 1, PROMTOOL_3, load)
    assert (verdict.took, verdict.refused) == (1, 3)
    assert short(verdict) == [
        (
            "the record `a:b`",
            "could not parse expression: 1:22: parse error: unclosed left parenthesis",
            ("groups", 0, "rules", 0, "expr"),
            7,
        ),
        (
            "the alert `A`",
            'annotation "s": template: __alert_A:1: undefined variable "$valu"',
            ("groups", 0, "rules", 1, "annotations", "s"),
            0,
        ),
        ("", 'groupname: "g" is repeated in the same file', (), 12),
        ("", "field exprr not found in type rulefmt.Rule", (), 9),
        ("", "lint error 1 duplicate rule(s) found.", (), 0),
    ]
    assert verdict.refusals[-1].said[0] == "Metric: a:b"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, ""),
        (1, "panic: boom\n"),
        (0, PROMTOOL_3),
        (1, PROMTOOL_3.replace("Checking good.yaml\n  SUCCESS: 2 rules found\n", "")),
        (1, PROMTOOL_3 + "Checking other.yaml\n  SUCCESS: 1 rules found\n"),
    ],
    ids=["silent", "crash", "status 0 with faults", "a file left out", "a file too many"],
)
def test_what_is_no_verdict_of_promtool(code: int, said: str) -> None:
    verdict = promtool.read_check(FILES, code, said, load)
    assert not verdict.given
    assert verdict.failure == f"ended with status {code}, and not each of 4 files has a verdict"
    assert verdict.refusals == ()


PROMTOOL_TEST = """\
Processing test file: test.yaml
  FAILED:
    alertname: A, time: 2m, 
        exp:[
            0:
              Labels:{alertname="A"}
            ], 
        got:[]

    expr: "a{b=\\"c\\"}", time: 2m,
        exp: {} 3E+00
        got: {} 1E+00

Processing test file: good.yaml
  SUCCESS

"""  # noqa: W291 -- promtool ends lines so


def test_what_tests_of_promtool_find() -> None:
    said = PROMTOOL_TEST.replace('\\"', '"')
    verdict = promtool.read_test(("test.yaml", "good.yaml"), 1, said, load)
    assert (verdict.took, verdict.refused) == (1, 1)
    alert, expression = verdict.refusals
    assert (alert.about, alert.at) == ("the alert `A` at 2m", ("tests", 0, "alert_rule_test", 1))
    assert alert.said == ('expected [ 0: Labels:{alertname="A"} ]', "got []")
    assert (expression.about, expression.at) == (
        'the expression `a{b="c"}` at 2m',
        ("tests", 0, "promql_expr_test", 0),
    )
    assert expression.said == ("expected {} 3E+00", "got {} 1E+00")


def test_a_test_that_promtool_cannot_read() -> None:
    said = "Processing test file: test.yaml\n  FAILED:\nyaml: line 3: did not find expected key\n\n"
    (refusal,) = promtool.read_test(("test.yaml",), 1, said, load).refusals
    assert refusal.message == "yaml: line 3: did not find expected key"


VMALERT = (
    'now\tinfo\tfs.go:1\tfound 2 files to read from "Local FS{MatchPattern: \\"bad.yaml\\"}"\n'
    'now\tfatal\tmain.go:110\tfailed to parse "[bad.yaml]": failed to parse [bad.yaml]: errors(3): \n'
    'invalid group "g" in file "bad.yaml": invalid expression for rule "a:b": bad MetricsQL expr: "sum(", err: x\n'
    'invalid group "h" in file "bad.yaml": invalid annotations for rule "A": errors(1): \n'
    '(key: "s", value: "{{ $valu }}"): error parsing template: undefined variable "$valu"\n'
    'failed to parse file "other.yaml": yaml: line 2: mapping values are not allowed in this context\n'
)


def test_what_vmalert_refuses() -> None:
    verdict = vmalert.read_check(("bad.yaml", "good.yaml", "other.yaml"), 255, VMALERT, load)
    assert (verdict.took, verdict.refused) == (1, 2)
    assert short(verdict) == [
        (
            "the record `a:b`",
            'bad MetricsQL expr: "sum(", err: x',
            ("groups", 0, "rules", 0, "expr"),
            0,
        ),
        (
            "the alert `A`",
            '(key: "s", value: "{{ $valu }}"): error parsing template: undefined variable "$valu"',
            ("groups", 1, "rules", 0, "annotations", "s"),
            0,
        ),
        ("", "yaml: line 2: mapping values are not allowed in this context", (), 0),
    ]


@pytest.mark.parametrize("said", ["", "garbage", VMALERT.replace("bad.yaml", "stranger.yaml")])
def test_what_is_no_verdict_of_vmalert(said: str) -> None:
    verdict = vmalert.read_check(("bad.yaml", "other.yaml"), 1, said, load)
    assert verdict.failure == "ended with status 1 and names no file that it refuses"


VMALERT_TEST = """\


Unit Testing:  good.yaml
SUCCESS


Unit Testing:  test.yaml
FAILED
failed to run unit test for file "test.yaml": 
[
    groupname: g, alertname: A, time: 2m0s, 
        exp:[
            ], 
        got:[]  
    expr: "a:b", time: 2m0s,
        exp: {__name__="a:b"} 7E+00
        got: {__name__="a:b"} 1E+00]2026/11/23 22:31:39 unittest failed
"""  # noqa: W291 -- vmalert-tool ends lines so


def test_what_tests_of_vmalert_tool_find() -> None:
    verdict = vmalert.read_test(("good.yaml", "test.yaml"), 1, VMALERT_TEST, load)
    assert (verdict.took, verdict.refused) == (1, 1)
    alert, expression = verdict.refusals
    assert (alert.about, alert.at) == ("the alert `A` at 2m0s", ("tests", 0, "alert_rule_test", 1))
    assert (expression.about, expression.at) == (
        "the expression `a:b` at 2m0s",
        ("tests", 0, "metricsql_expr_test", 0),
    )
    assert expression.said == ('expected {__name__="a:b"} 7E+00', 'got {__name__="a:b"} 1E+00'), "no clock in it"


def test_a_failure_of_vmalert_tool_without_an_expectation() -> None:
    said = 'Unit Testing:  test.yaml\nFAILED\nfailed to parse: unknown field "x"\n2026/11/23 22:31:39 unittest failed\n'
    (refusal,) = vmalert.read_test(("test.yaml",), 1, said, load).refusals
    assert refusal.message == 'failed to parse: unknown field "x"'


DECODING = """\
Error: failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):

'processors' error reading configuration for "batch/full": decoding failed due to the following error(s):

"""
COLLECTOR = {
    "unknown key": (
        DECODING + "'batchprocessor.Config' has invalid keys: timeoutt",
        ("processors", "batch/full", "timeoutt"),
        "'batchprocessor.Config' has invalid keys: timeoutt",
    ),
    "value": (
        DECODING + "'timeout' time: unknown unit",
        ("processors", "batch/full", "timeout"),
        "'timeout' time: unknown unit",
    ),
    "nested value": (
        DECODING + "'tls.min[0]' is bad",
        ("processors", "batch/full", "tls", "min", "0"),
        "'tls.min[0]' is bad",
    ),
    "unknown type": (
        "Error: failed to get config: cannot unmarshal the configuration: decoding failed due to the following "
        'error(s):\n\n\'receivers\' unknown type: "kafka" for id: "kafka/x" (valid values: [otlp])',
        ("receivers", "kafka/x"),
        'unknown type: "kafka" for id: "kafka/x" (valid values: [otlp])',
    ),
    "validation": (
        "2026-11-23 info starting\nError: processors::batch/full: send_batch_max_size must be greater",
        ("processors", "batch/full"),
        "send_batch_max_size must be greater",
    ),
    "boot": (
        'Error: invalid configuration: service::pipelines::metrics/x: references processor "batch/none"',
        ("service", "pipelines", "metrics/x"),
        'references processor "batch/none"',
    ),
    "start": (
        'Error: cannot start pipelines: failed to start "otlp" receiver: bind: address in use',
        ("receivers", "otlp"),
        "bind: address in use",
    ),
    "build": (
        'Error: failed to build pipelines: failed to create "resource/a" processor, in pipeline "metrics/a": no key',
        ("processors", "resource/a"),
        "no key",
    ),
    "other": ("Error: the sky falls", (), "the sky falls"),
    "a panic": ("panic: boom\n\ngoroutine 1 [running]:", (), "goroutine 1 [running]:"),
    "silence": ("", (), "it ended and said nothing"),
}


@pytest.mark.parametrize(("said", "at", "message"), COLLECTOR.values(), ids=COLLECTOR)
def test_what_a_collector_refuses(said: str, at: tuple[str, ...], message: str) -> None:
    (refusal,) = collector_faults.refusals("gateway.yaml", said)
    assert (refusal.file, refusal.at, refusal.message) == ("gateway.yaml", at, message)


def test_several_faults_of_one_config() -> None:
    said = "Error: processors::batch/a: too small\nprocessors::batch/b: too big\n"
    assert [refusal.about for refusal in collector_faults.refusals("x", said)] == [
        "`batch/a` of processors",
        "`batch/b` of processors",
    ]


def test_components_that_a_binary_lists_and_lacks() -> None:
    listed = "receivers: [{name: otlp}]\nprocessors: [batch]\nexporters: [{name: debug, module: m}]\nextensions:\n"
    known = collector_faults.components(listed)
    assert known is not None
    config = {"receivers": {"otlp/a": {}}, "exporters": {"debug": {}, "kafka/x": {}}, "extensions": {"health": {}}}
    assert collector_faults.lacking(config, known) == ["exporter kafka", "extension health"]
    for garbage in ("", "a: [", "receivers: 1", "[]"):
        assert collector_faults.components(garbage) is None


def test_rules_are_found_by_number_and_by_name() -> None:
    assert place_of_rule(BAD, "g", 2, "", ("expr",)) == ("groups", 0, "rules", 1, "expr")
    assert place_of_rule(BAD, "h", None, "A") == ("groups", 1, "rules", 0)
    assert place_of_rule(BAD, "h", None, "B") == ("groups", 1), "its group, where there is no such rule"
    assert place_of_rule(BAD, "i", 1, "") == place_of_rule(None, "g", 1, "") == ()
    assert rule_named(BAD, ("groups", 0), "x") == "the rule `x`"
