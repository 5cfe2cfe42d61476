"""Files of tests, as promtool reads them: for each rule file one, and one more for each other evaluation interval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phoenix_gitops.artifact import PolicyRef, ProofFile
from phoenix_gitops.diagnostics import Diagnostic, Severity
from phoenix_gitops.rules.group import Group
from phoenix_gitops.rules.platform import RuleFile
from phoenix_gitops.rules.tenants import shards
from phoenix_gitops.ruletests import alerts, control, cost, pipelines, tenants
from phoenix_gitops.ruletests.case import MINUTE, RuleTest, rule_key
from phoenix_gitops.ruletests.context import Context, tests_of, unknown
from phoenix_gitops.ruletests.owned import RuleTests, derived, owned_tests
from phoenix_gitops.ruletests.traces import span
from phoenix_gitops.scope import ClusterScope, TenantScope

_BUILDERS = {
    "pipelines": pipelines,
    "platform-alerts": alerts,
    "costs": cost,
    "quotas": tenants,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOfTests:
    """Tests of one rule file with one evaluation interval."""

    name: str
    rule_file: str
    groups: tuple[Group, ...]
    tests: tuple[RuleTest, ...]

    def plain(self) -> dict[str, Any]:
        """The file as promtool reads it, beside the folder of rule files."""
        return {
            "rule_files": [f"../rules/{self.rule_file}.yaml"],
            "evaluation_interval": span(self.tests[0].every),
            "group_eval_order": [group.name for group in self.groups],
            "fuzzy_compare": True,
            "tests": [test.plain() for test in self.tests],
        }


def platform_tests(scope: ClusterScope, file: RuleFile) -> RuleTests:
    """The tests of a rule file of the platform."""
    context = Context(scope, file.groups)
    if file.policy.kind == "ControlPolicy":
        return completed(context, (*control.law_test(context), *tests_of(context, None, control.ALERTS)))
    if file.policy.kind == "Environment" and file.name in _BUILDERS:
        builder = _BUILDERS[file.name]
        return completed(context, tests_of(context, builder.RECORDS, builder.ALERTS))
    if file.policy.kind == "Environment":
        number = int(file.name.removeprefix("tenants-"))
        return completed(context, tenants.shard_test(context, shards(scope.env)[number]))
    slos = [slo for slo in scope.env.slos if file.policy == PolicyRef("SLO", slo.metadata.name)]
    rule_sets = [one for one in scope.env.rule_sets if file.policy == PolicyRef("RuleSet", one.metadata.name)]
    return owned_tests(file.groups, slos, rule_sets)


def completed(context: Context, found: Iterable[RuleTest]) -> RuleTests:
    """With tests of rules whose meaning nobody wrote down: what they do is shown, as with rules of others.

    A test of ours sees to it that there are none.
    """
    tests = tuple(found)
    more, without = derived(unknown(context, tests), context.rules)
    return RuleTests((*tests, *more), without)


def tenant_tests(tenant: TenantScope, file: RuleFile) -> RuleTests:
    """The tests of a tenant's own rules."""
    return owned_tests(file.groups, tenant.slos, tenant.rule_sets)


def files_of(file: RuleFile, tests: Iterable[RuleTest]) -> Iterator[FileOfTests]:
    """The files that hold these tests: those that evaluate every minute under the rule file's name."""
    by_interval: dict[int, list[RuleTest]] = {}
    for test in tests:
        by_interval.setdefault(test.every, []).append(test)
    for every in sorted(by_interval):
        suffix = "" if every == MINUTE else f".{span(every)}"
        yield FileOfTests(
            name=f"{file.name}{suffix}", rule_file=file.name, groups=file.groups, tests=tuple(by_interval[every])
        )


def proof_files(
    file: RuleFile, tests: Callable[[], RuleTests], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[ProofFile | Diagnostic]:
    """The files of tests of a rule file, and a note for each rule that has none.

    An override may have changed rules: they mean something else then, and what we know of them is no test of it.
    """
    tested, changed = tests(), _changed(file.groups, before, after)
    left_out = untested(file.groups, tested)
    if left_out:
        raise AssertionError(f"no test names {', '.join(left_out)} of {file.name}")
    kept = [test for test in tested.tests if not test.covers & changed]
    shown = frozenset[str]().union(*(test.covers for test in kept))
    reasons = dict(tested.without)
    for key in sorted({rule_key(rule) for group in file.groups for rule in group.rules} - shown):
        yield _untested(key, reasons.get(key, "an override changes it, or what is tested with it"))
    bodies = tested.bodies if len(kept) == len(tested.tests) else {}
    if not bodies:
        bodies |= {made.name: made.plain() for made in files_of(file, kept)}
    for name in bodies:
        yield ProofFile(folder="tests", name=name, policy=file.policy, body=bodies[name])


def _untested(key: str, why: str) -> Diagnostic:
    return Diagnostic(
        code="PHX785",
        severity=Severity.NOTE,
        message=f"no test is generated for `{key}`: {why}",
        help="write a test of your own in `tests/rules/`",
    )


def _changed(groups: Sequence[Group], before: Mapping[str, Any], after: Mapping[str, Any]) -> frozenset[str]:
    """The rules of which an override made other ones; all where it added, removed or moved some."""
    if before == after:
        return frozenset()
    found = set()
    keys = [[rule_key(rule) for rule in group.rules] for group in groups]
    old, new = before["groups"], after.get("groups", [])
    if [[_name(rule) for rule in g["rules"]] for g in old] != [[_name(rule) for rule in g["rules"]] for g in new]:
        return frozenset(key for group in keys for key in group)
    for names, one, other in zip(keys, old, new, strict=True):
        found |= {
            key
            for key, a, b in zip(names, one["rules"], other["rules"], strict=True)
            if a != b or one["name"] != other["name"]
        }
    return frozenset(found)


def _name(rule: Mapping[str, Any]) -> str:
    return str(rule.get("alert") or rule.get("record"))


def untested(groups: Sequence[Group], tested: RuleTests) -> tuple[str, ...]:
    """The rules that no test is about, and of which nobody says why."""
    shown = frozenset(key for key, _ in tested.without).union(*(test.covers for test in tested.tests))
    return tuple(sorted({rule_key(rule) for group in groups for rule in group.rules} - shown))
