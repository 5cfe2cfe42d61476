"""Tests of SLOs and RuleSets, the platform's own and tenants', and which rules could not be tested."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

from phoenix_gitops.model.ruleset import RuleSet
from phoenix_gitops.model.slo import SLO
from phoenix_gitops.promql.functions import UnknownHereError
from phoenix_gitops.rules.group import Group, Rule
from phoenix_gitops.ruletests.case import RuleTest, rule_key
from phoenix_gitops.ruletests.rulesets import own_tests
from phoenix_gitops.ruletests.slo import slo_tests


@dataclass(frozen=True, slots=True)
class RuleTests:
    """The tests of a rule file, and why some of its rules have none, by `rule_key`."""

    tests: tuple[RuleTest, ...]
    without: tuple[tuple[str, str], ...] = ()
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)
    """Files of all of the tests by name, once they were made."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What tests are asked for, equal where the policies and what came of them are."""

    key: bytes
    groups: Sequence[Group] = field(compare=False)
    slos: Sequence[SLO] = field(compare=False)
    rule_sets: Sequence[RuleSet] = field(compare=False)


def owned_tests(groups: Sequence[Group], slos: Sequence[SLO], rule_sets: Sequence[RuleSet]) -> RuleTests:
    """The tests of all that these policies say: found once for all clusters in which they say the same."""
    key = msgspec.msgpack.encode(([group.plain() for group in groups], slos, rule_sets))
    return _tested(_Asked(key, groups, slos, rule_sets))


@lru_cache(maxsize=512)
def _tested(asked: _Asked) -> RuleTests:
    groups, slos, rule_sets = asked.groups, asked.slos, asked.rule_sets
    tests: list[RuleTest] = []
    without: list[tuple[str, str]] = []
    for slo in slos:
        mine = _of(groups, f"slo-{slo.metadata.name}")
        try:
            tests += slo_tests(slo, mine)
        except UnknownHereError as error:
            without += [(rule_key(rule), str(error)) for rule in mine]
    for rule_set in rule_sets:
        mine = _of(groups, f"ruleset-{rule_set.metadata.name}")
        found, unsolved = derived(mine, mine)
        tests += found
        without += unsolved
    return RuleTests(tuple(tests), tuple(without))


def derived(rules: Sequence[Rule], beside: Sequence[Rule]) -> tuple[tuple[RuleTest, ...], tuple[tuple[str, str], ...]]:
    """Tests of rules from their expressions alone, and why others have none; all of the file are `beside` them."""
    found = list(own_tests(rules, beside))
    tests = tuple(one for one in found if isinstance(one, RuleTest))
    return tests, tuple(one for one in found if not isinstance(one, RuleTest))


def _of(groups: Sequence[Group], prefix: str) -> list[Rule]:
    return [rule for group in _named(groups, prefix) for rule in group.rules]


def _named(groups: Sequence[Group], prefix: str) -> Iterator[Group]:
    """The groups of one policy: its name, and whatever its builder puts behind it."""
    for group in groups:
        rest = group.name.removeprefix(prefix)
        if rest != group.name and (not rest or rest in _ENDINGS or rest.removeprefix("-").isdecimal()):
            yield group


_ENDINGS = ("-indicator", "-ratios", "-budget", "-alerts")
