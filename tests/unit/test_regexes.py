"""Patterns of policies: what Go's regexp package compiles, so that no collector is stopped by one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from phoenix_gitops.cli import phoenix
from phoenix_gitops.regexes import is_re2

SMALL = Path(__file__).parents[1] / "cases" / "good" / "small"

# Each verdict is that of Go 1.26's regexp.Compile.
SOUND = [
    *("", "a", ".*", "a|", "^nginx.*$", "(?i)abc", "(?i:a)*", "(?s).", "(?U)a+", "(?P<n>a)", "(a*)*", "(?:a)*"),
    *("a*?", "a+?", "a??", "a{2}?", "a{1000}", r"a\{2000\}", "a{", "a{,2}", "{", "]"),
    *(r"\d+", r"[\w-]+", r"\pL", r"\p{Greek}", r"\x{41}", r"\z", r"\\u", r"\_", "a--b", 'a"b', "é"),
    *("[[:alpha:]]+", "[[:^alpha:]]", "[[:alpha:]*]+", "[*+]+", "[*+][?*]", "[()]", "[]a]"),
]
BROKEN = [
    *("(a+", "a)", ")(", "a)|(?:b", "(?=x)y", "(?<!x)y", r"a\1", "*", "?a", "a**", "a*+", "a+*", "a*??", "a{2}*"),
    *("a{1001}", "a{2,1001}", "(a{1000}){1000}", "[z-a]", "[", "[[:foo:]]", "a\\", r"\h", r"\Z", r"\u0041"),
    *("(?x)a b", "(?-u)a"),
]


@pytest.mark.parametrize("pattern", SOUND)
def test_sound(pattern: str) -> None:
    assert is_re2(pattern)


@pytest.mark.parametrize("pattern", BROKEN)
def test_broken(pattern: str) -> None:
    assert not is_re2(pattern)


def test_a_pattern_that_no_collector_can_read_is_said_at_its_line(tmp_path: Path) -> None:
    repository = shutil.copytree(SMALL, tmp_path / "repository")
    (repository / "policies" / "mine.yaml").write_text(
        "apiVersion: policy.phoenix.io/v1alpha1\n"
        "kind: Pipeline\n"
        "metadata: {name: mine, owner: team}\n"
        "spec:\n"
        "  extends: optimized\n"
        "  keep:\n"
        "    - {executables: 'nginx|(envoy'}\n"
    )
    runner = CliRunner(env={"PHOENIX_CACHE": str(tmp_path / "cache")})
    result = runner.invoke(phoenix, ["-C", str(repository), "validate"], standalone_mode=False)
    assert (result.exception, result.return_value) == (None, 1)
    assert (
        "error[PHX206]: `nginx|(envoy` is no regular expression of RE2\n  --> policies/mine.yaml:7:21" in result.output
    )
