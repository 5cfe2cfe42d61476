"""vmalert and vmalert-tool as judges: of rule files, and of tests of rules. Reading only: `judging` runs them."""

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
    failed,
    failed_tests,
    place_of_rule,
    rule_named,
    sections,
)

NAME, TOOL = "vmalert", "vmalert-tool"

PLANTED_TEST = (
    "evaluation_interval: 1m\n"
    "tests:\n- interval: 1m\n  metricsql_expr_test:\n"
    "  - {expr: vector(1), eval_time: 1m, exp_samples: [{labels: '{}', value: 2}]}\n"
)
"""A test that fails: its expression is 1 and 2 is expected."""

_IN_GROUP = re.compile(r'invalid group "(?P<group>[^"]*)" in file "(?P<file>[^"]*)": (?P<message>.*)')
_IN_FILE = re.compile(
    r'(?:failed to parse file "(?P<file>[^"]*)"|group name "[^"]*" duplicate in file "(?P<twice>[^"]*)")'
    r"(?:: (?P<message>.*))?"
)
_FATAL = re.compile(r"^.*?\tfatal\t[^\t]*\t", re.MULTILINE)
_RULE = re.compile(r'rule "(?P<name>[^"]*)"')
_KEYED = re.compile(r'\(key: "([^"]*)"')
_LOG = re.compile(r"\]?[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8} (?:unittest failed|Total time: .*)$", re.MULTILINE)
"""What vmalert-tool appends to the last line of a failure."""
_ERRORS = re.compile(r":? errors\([0-9]+\): *$")
_TOLD = re.compile(r'^invalid (?:[a-z]+ for )?rule "[^"]*": ')
"""What is told of a rule by its name."""
_HEAD = re.compile(r"Unit Testing:  (?P<file>.+)")
_EXPECTED = re.compile(
    r'\s*(?:groupname: (?P<group>.+?), alertname: (?P<alert>\S+)|expr: "(?P<expr>.*)"), time: (?P<time>\S+),\s*'
)


def check_arguments(files: Sequence[str]) -> list[str]:
    """Judge rule files."""
    return ["-dryRun", *(f"-rule={file}" for file in files)]


def test_arguments(files: Sequence[str]) -> list[str]:
    """Run tests of rules, with vmalert-tool."""
    return ["unittest", *(f"--files={file}" for file in files)]


def read_check(files: Sequence[str], code: int, said: str, load: Load) -> Verdict:
    """The verdict on rule files. vmalert names the first fault of each group, and says nothing of what it takes."""
    if code == 0:
        return Verdict(took=len(files))
    fatal = _FATAL.search(said)
    found = list(_refused_rules(said[fatal.end() :] if fatal else said, load))
    refused = {refusal.file for refusal in found}
    if not refused or not refused <= set(files):
        return failed(f"ended with status {code} and names no file that it refuses", said)
    return Verdict(took=len(set(files) - refused), refused=len(refused), refusals=tuple(found))


def read_test(files: Sequence[str], code: int, said: str, load: Load) -> Verdict:
    """The verdict on files of tests."""
    took, found = set(), list[Refusal]()
    for file, lines in sections(_LOG.sub("", said), _HEAD):
        if lines[:1] == ["SUCCESS"]:
            took.add(file)
        elif lines[:1] == ["FAILED"]:
            failures = lines[1:] if len(lines) > 1 else ["failed"]
            at = next((i for i, line in enumerate(failures) if _EXPECTED.fullmatch(line)), 0)
            found += failed_tests(file, failures[at:], _EXPECTED, "metricsql_expr_test", load)
    return counted(files, took, found, code, said)


def _refused_rules(said: str, load: Load) -> Iterator[Refusal]:
    faults: list[tuple[re.Match[str], list[str]]] = []
    for line in said.splitlines():
        head = _IN_GROUP.search(line) or _IN_FILE.search(line)
        if head is not None:
            faults.append((head, []))
        elif faults and line.strip():
            faults[-1][1].append(line.strip())
    for head, rest in faults:
        yield _refused_group(head, rest, load) if head.re is _IN_GROUP else _refused_file(head, rest)


def _refused_file(head: re.Match[str], rest: Sequence[str]) -> Refusal:
    file = head["file"] or head["twice"]
    message = head["message"] or "two groups have one name"
    return Refusal(code=REFUSED, file=file, message=message, said=tuple(rest))


def _refused_group(head: re.Match[str], rest: Sequence[str], load: Load) -> Refusal:
    message, file = head["message"], head["file"]
    if rest and _ERRORS.search(message):
        message = f"{_ERRORS.sub('', message)}: {rest[0]}"
    # In a message that is quoted as a whole the quotes of names are escaped.
    named = _RULE.search(message.replace('\\"', '"'))
    name = named["name"] if named else ""
    keyed = _KEYED.search(" ".join(rest))
    inner: Path = ("annotations", keyed[1]) if keyed and "annotations" in message else ()
    data = load(file)
    at = place_of_rule(data, head["group"], None, name, inner or (("expr",) if "expression" in message else ()))
    about = rule_named(data, at, name) if len(at) > 2 else ""
    if about:
        message = _TOLD.sub("", message)
    said = rest[1:] if rest and message.endswith(rest[0]) else rest
    return Refusal(code=REFUSED, file=file, message=message, about=about, at=at, said=tuple(said))
