"""A user's own tests of rules: which are run by whom, and which prove nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from phoenix_gitops.judging import rule_tests

RULES: dict[str, Any] = {
    "generated/_proof/prod/eu/rules/shop.yaml": {"groups": [{"name": "g", "rules": [{"alert": "ShopDown"}]}]},
    "generated/_proof/prod/us/rules/shop.yaml": {"groups": [{"name": "g", "rules": [{"alert": "ShopDown"}]}]},
}
NAMED = "rule_files: [../../generated/_proof/prod/*/rules/shop.yaml]\n"
TEST = "tests: [{alert_rule_test: [{eval_time: 1m, alertname: ShopDown}]}]\n"


def read(root: Path, text: str, others: tuple[str, ...] = (), name: str = "shop.yaml") -> Any:
    file = root / "tests/rules" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return rule_tests.read(root, RULES, others)


def test_a_repository_without_tests(tmp_path: Path) -> None:
    own = rule_tests.read(tmp_path, RULES, ())
    assert (own.value.documents, own.diagnostics) == ({}, ())


def test_a_sound_test(tmp_path: Path) -> None:
    own = read(tmp_path, NAMED + TEST)
    assert own.diagnostics == ()
    assert list(own.value.documents) == ["tests/rules/shop.yaml"]
    assert own.value.sources == {"tests/rules/shop.yaml": NAMED + TEST}


def test_files_in_folders_lead_to_the_rules_by_their_own_path(tmp_path: Path) -> None:
    own = read(tmp_path, NAMED.replace("../../", "../../../") + TEST, name="team/shop.yaml")
    assert own.diagnostics == ()


VACUOUS = {
    "no rule file": (TEST, "1:1", "the test names no rule file"),
    "outside": (f"rule_files: [/etc/passwd]\n{TEST}", "1:14", "the test reads a file outside `generated/_proof/`"),
    "climbing": (
        f"rule_files: [../../generated/_proof/../../x.yaml]\n{TEST}",
        "1:14",
        "the test reads a file outside `generated/_proof/`",
    ),
    "no such file": (
        NAMED.replace("shop", "shpo") + TEST,
        "1:14",
        "the test names no generated rule file: `generated/_proof/prod/*/rules/shpo.yaml`",
    ),
    "star over folders": (
        NAMED.replace("prod/*", "*") + TEST,
        "1:14",
        "the test names no generated rule file: `generated/_proof/*/rules/shop.yaml`",
    ),
    "no test": (NAMED, "1:1", "the test holds no test"),
    "no expectation": (NAMED + "tests: [{interval: 1m}]\n", "2:9", "the test has a test that expects nothing"),
    "no such alert": (
        NAMED + TEST.replace("ShopDown", "ShopDwn"),
        "2:55",
        "the test expects the alert `ShopDwn`, which none of its rule files has",
    ),
}


@pytest.mark.parametrize(("text", "place", "message"), VACUOUS.values(), ids=VACUOUS)
def test_a_test_that_proves_nothing_is_a_fault(tmp_path: Path, text: str, place: str, message: str) -> None:
    own = read(tmp_path, text)
    (found,) = own.diagnostics
    assert (found.code, found.message) == ("PHX784", message)
    assert found.primary is not None
    assert str(found.primary.span) == f"tests/rules/shop.yaml:{place}"
    assert own.value.documents == {}


def test_near_names_are_suggested(tmp_path: Path) -> None:
    (file,) = read(tmp_path, NAMED.replace("*", "eu").replace("shop", "shpo") + TEST).diagnostics
    assert file.help == "did you mean `generated/_proof/prod/eu/rules/shop.yaml`?"
    (alert,) = read(tmp_path, NAMED + TEST.replace("ShopDown", "ShopDwn")).diagnostics
    assert alert.help == "did you mean `ShopDown`?"


def test_what_is_no_yaml_or_a_link_is_said(tmp_path: Path) -> None:
    assert [d.code for d in read(tmp_path, "tests: [").diagnostics] == ["PHX106"]
    (tmp_path / "tests/rules/shop.yaml").unlink()
    (tmp_path / "tests/rules/link.yaml").symlink_to("/etc/passwd")
    assert [d.code for d in rule_tests.read(tmp_path, RULES, ()).diagnostics] == ["PHX120"]


def test_tests_about_environments_that_were_not_asked_for(tmp_path: Path) -> None:
    elsewhere = read(tmp_path, NAMED.replace("prod/*", "dev/dev") + TEST, ("dev",))
    assert (elsewhere.value.elsewhere, elsewhere.diagnostics) == (("tests/rules/shop.yaml",), ())
    misspelt = read(tmp_path, NAMED.replace("prod/*", "dve/dev") + TEST, ("dev",))
    assert [d.code for d in misspelt.diagnostics] == ["PHX784"], "an environment that does not exist is none of them"


@pytest.mark.parametrize(
    ("tests", "name"),
    [
        ([{"promql_expr_test": [{"expr": "x"}]}], "promtool"),
        ([{"alert_rule_test": [{"alertname": "A"}]}], "promtool"),
        ([{"promql_expr_test": []}, {"metricsql_expr_test": []}], "vmalert-tool"),
        ([{"alert_rule_test": [{"alertname": "A", "groupname": "g"}]}], "vmalert-tool"),
        ("no list", "promtool"),
        ([1, None], "promtool"),
    ],
)
def test_who_runs_a_test_is_told_by_its_fields(tests: object, name: str) -> None:
    assert rule_tests.judge_of({"tests": tests}) == name
