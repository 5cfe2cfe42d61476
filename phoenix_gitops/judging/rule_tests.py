"""A user's own tests of rules: files in `tests/rules/` as promtool or vmalert-tool run them.

Their `rule_files` name generated files by the path from the test to `generated/_proof/`, as they stand after a
compile: so `promtool test rules tests/rules/*.yaml` runs them, too.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from phoenix_gitops.diagnostics import Diagnostic, Label, Outcome, has_errors, ordered
from phoenix_gitops.document import Document
from phoenix_gitops.document import Path as FieldPath
from phoenix_gitops.judging.refusals import first_line
from phoenix_gitops.source import read_policies
from phoenix_gitops.suggest import closest

FOLDER = "tests/rules"
_PROOF = "generated/_proof/"
_EXPECTATIONS = ("alert_rule_test", "promql_expr_test", "metricsql_expr_test")
_CODE = "PHX784"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTests:
    """The tests that can be run, and those that are left out."""

    documents: Mapping[str, Document]
    sources: Mapping[str, str]
    elsewhere: tuple[str, ...]
    """Files about environments that this run does not compile."""


def read(root: Path, rules: Mapping[str, Any], others: Collection[str]) -> Outcome[RuleTests]:
    """The tests of a repository. `rules` are the compiled rule files by their path from the root, `others` the
    environments that this run does not compile.
    """
    policies = read_policies(root, (f"{FOLDER}/**/*.yaml",))
    found = list(policies.diagnostics)
    kept: dict[str, Document] = {}
    elsewhere: list[str] = []
    for document in policies.value.documents:
        if _is_elsewhere(document, others):
            elsewhere.append(document.file)
            continue
        faults = list(_faults(document, rules))
        found += faults
        if not has_errors(faults):
            kept[document.file] = document
    tests = RuleTests(documents=kept, sources=policies.value.sources, elsewhere=tuple(elsewhere))
    return Outcome(tests, ordered(found))


def judge_of(data: object) -> str:
    """Who runs a file of tests: vmalert-tool if it speaks of MetricsQL or of groups, which promtool refuses."""
    for test in _mappings(data, "tests"):
        if "metricsql_expr_test" in test or any("groupname" in a for a in _mappings(test, "alert_rule_test")):
            return "vmalert-tool"
    return "promtool"


def number(data: object) -> int:
    """How many tests a file holds."""
    return len(_mappings(data, "tests"))


def _mappings(data: object, key: str) -> list[dict[str, Any]]:
    items = data.get(key) if isinstance(data, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _patterns(document: Document) -> list[tuple[FieldPath, str]]:
    """The rule files that a test names, by their path from the root."""
    named = document.data.get("rule_files")
    base = posixpath.dirname(document.file)
    return [
        (("rule_files", i), posixpath.normpath(posixpath.join(base, str(pattern))))
        for i, pattern in enumerate(named if isinstance(named, list) else ())
    ]


def _is_elsewhere(document: Document, others: Collection[str]) -> bool:
    """Whether a test names rule files of an environment that is not compiled: with only a part of its rules, what it
    expects cannot come.
    """
    environments = [p.removeprefix(_PROOF).split("/")[0] for _, p in _patterns(document) if p.startswith(_PROOF)]
    return any(fnmatchcase(name, environment) for environment in environments for name in others)


def _faults(document: Document, rules: Mapping[str, Any]) -> Iterator[Diagnostic]:
    patterns = _patterns(document)
    if not patterns:
        yield _fault(
            document, (), "names no rule file", f"as in `rule_files: [../../{_PROOF}ENV/CLUSTER/rules/NAME.yaml]`"
        )
    named: dict[str, Any] = {}
    for at, pattern in patterns:
        matched = {path: data for path, data in rules.items() if _matches(path, pattern)}
        if not pattern.startswith(_PROOF):
            yield _fault(document, at, f"reads a file outside `{_PROOF}`", "only what is compiled is tested")
        elif not matched:
            near = closest(pattern, list(rules))
            yield _fault(
                document, at, f"names no generated rule file: `{pattern}`", f"did you mean `{near}`?" if near else ""
            )
        named |= matched
    tests = _mappings(document.data, "tests")
    if not tests:
        yield _fault(document, (), "holds no test", "write what is expected under `tests`")
    alerts = sorted({rule["alert"] for data in named.values() for rule in _rules(data) if "alert" in rule})
    for i, test in enumerate(tests):
        if not any(test.get(key) for key in _EXPECTATIONS):
            yield _fault(
                document, ("tests", i), "has a test that expects nothing", f"add {' or '.join(_EXPECTATIONS[:2])}"
            )
        for j, expected in enumerate(_mappings(test, "alert_rule_test")):
            name = str(expected.get("alertname", ""))
            if named and name not in alerts:
                near = closest(name, alerts)
                hint = f"did you mean `{near}`?" if near else "an alert that does not exist never fires"
                at = ("tests", i, "alert_rule_test", j, "alertname")
                yield _fault(document, at, f"expects the alert `{name}`, which none of its rule files has", hint)


def _rules(data: object) -> list[dict[str, Any]]:
    return [rule for group in _mappings(data, "groups") for rule in _mappings(group, "rules")]


def _matches(path: str, pattern: str) -> bool:
    """As the judges match: `*` stays within a folder."""
    steps, wanted = path.split("/"), pattern.split("/")
    return len(steps) == len(wanted) and all(map(fnmatchcase, steps, wanted))


def _fault(document: Document, at: FieldPath, what: str, hint: str) -> Diagnostic:
    return Diagnostic(
        code=_CODE,
        message=f"the test {what}",
        primary=Label(first_line(document, at)),
        help=hint,
    )
