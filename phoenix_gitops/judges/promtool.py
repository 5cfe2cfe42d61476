"""promtool as judge: of rule files, and of the tests of rules. Reading only: `judging` runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from phoenix_gitops.document import Path
from phoenix_gitops.judges.verdicts import (
    REFUSED,
    Load,
    Refusal,
    Verdict,
    counted,
    failed_tests,
    place_of_rule,
    rule_named,
    sections,
)

NAME = "promtool"

PLANTED_RULE = 'groups: [{name: planted, rules: [{record: "planted:fault", expr: "rate("}]}]\n'
"""A rule file that every judge of rules refuses."""
PLANTED_TEST = (
    "evaluation_interval: 1m\n"
    "tests:\n- interval: 1m\n  promql_expr_test:\n"
    "  - {expr: vector(1), eval_time: 1m, exp_samples: [{labels: '{}', value: 2}]}\n"
)
"""A test that fails: its expression is 1 and 2 is expected."""

_HEAD = re.compile(r"(?:Checking|Unit Testing: |Processing test file:) (?P<file>.+)")
_SUCCESS = re.compile(r"  SUCCESS(?:: \d+ rules found)?")
_FAILED = "  FAILED:"
_PLACE = re.compile(
    r"(?:(?P<line>\d+):\d+: )?(?:\d+:\d+: )?"
    r'(?:group "(?P<group>[^"]*)", rule (?P<number>\d+), "(?P<name>[^"]*)": )?(?P<message>.*)',
)
_LINE = re.compile(r"^ *line (\d+): (.*)$")
_KEYED = re.compile(r'(annotation|label) "([A-Za-z_][A-Za-z0-9_]*)"')
_LINT = "lint error"
_EXPECTED = re.compile(r'\s*(?:alertname: (?P<alert>\S+)|expr: "(?P<expr>.*)"), time: (?P<time>\S+),\s*')


def check_arguments(files: Sequence[str]) -> list[str]:
    """Judge rule files; what lint finds is a fault, too."""
    return ["check", "rules", "--lint=all", "--lint-fatal", *files]


def test_arguments(files: Sequence[str]) -> list[str]:
    """Run tests of rules."""
    return ["test", "rules", *files]


def read_check(files: Sequence[str], code: int, said: str, load: Load) -> Verdict:
    """The verdict on rule files, from what promtool said in both streams."""
    took, found = set(), list[Refusal]()
    for file, lines in sections(said, _HEAD):
        if _FAILED in lines:
            found += _refused_rules(file, lines[lines.index(_FAILED) + 1 :], load)
        elif any(_SUCCESS.fullmatch(line) for line in lines):
            took.add(file)
    return counted(files, took, found, code, said)


def read_test(files: Sequence[str], code: int, said: str, load: Load) -> Verdict:
    """The verdict on files of tests; each failed expectation is a refusal of its own."""
    took, found = set(), list[Refusal]()
    for file, lines in sections(said, _HEAD):
        if _FAILED in lines:
            failures = lines[lines.index(_FAILED) + 1 :]
            found += failed_tests(file, failures, _EXPECTED, "promql_expr_test", load)
        elif any(_SUCCESS.fullmatch(line) for line in lines):
            took.add(file)
    return counted(files, took, found, code, said)


def _refused_rules(file: str, lines: Sequence[str], load: Load) -> Iterator[Refusal]:
    prefix = f"{file}: "
    faults: list[list[str]] = []
    for line in lines:
        if line.startswith((prefix, _LINT)) or not faults:
            faults.append([line.removeprefix(prefix)])
        else:
            faults[-1].append(line)
    for first, *rest in faults:
        yield _refused_rule(file, first, rest, load)


def _refused_rule(file: str, first: str, rest: Sequence[str], load: Load) -> Refusal:
    if first.startswith(_LINT):
        return Refusal(code=REFUSED, file=file, message=first, said=tuple(line.strip() for line in rest))
    told = [_LINE.match(line) for line in rest]
    if told and told[0]:
        return Refusal(code=REFUSED, file=file, message=told[0][2], line=int(told[0][1]), said=tuple(rest[1:]))
    place = _PLACE.fullmatch(first)
    assert place is not None, "every part but the message may be absent"
    line = int(place["line"] or 0)
    if place["group"] is None:
        return Refusal(code=REFUSED, file=file, message=place["message"], line=line, said=tuple(rest))
    data, message = load(file), place["message"]
    at = place_of_rule(data, place["group"], int(place["number"]), "", _inner(message))
    about = rule_named(data, at, place["name"])
    return Refusal(code=REFUSED, file=file, message=message, about=about, at=at, line=line, said=tuple(rest))


def _inner(message: str) -> Path:
    """The field of a rule that a fault is about."""
    keyed = _KEYED.match(message)
    if keyed:
        return (f"{keyed[1]}s", keyed[2])
    return ("expr",) if "expression" in message else ()
