"""SARIF output against the standard's own schema."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from phoenix_gitops.__main__ import run
from tests.test_cases import BAD, lay_out

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    file = os.environ.get("PHOENIX_SARIF_SCHEMA")
    assert file, "run `make proof`: it gets the schema of SARIF 2.1.0 and says where it is"
    return Draft7Validator(json.loads(Path(file).read_text()))


def sarif(case: Path, tmp_path: Path, capsys) -> dict:
    root = lay_out(case, tmp_path / "repository")
    run(["validate", "-C", str(root), "--format", "sarif"])
    return json.loads(capsys.readouterr().out)


CASES = [
    case for case in BAD if case.name.startswith(("PHX101", "PHX202", "PHX301", "PHX510", "PHX603", "PHX719", "PHX748"))
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_findings_are_sarif(case, tmp_path, capsys, validator):
    log = sarif(case, tmp_path, capsys)
    assert log["runs"][0]["results"]
    assert [error.message for error in validator.iter_errors(log)] == []


def test_the_schema_judges(tmp_path, capsys, validator):
    log = sarif(next(case for case in CASES if "PHX202" in case.name), tmp_path, capsys)
    wrong = copy.deepcopy(log)
    wrong["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    assert not validator.is_valid(wrong)
    del log["runs"][0]["tool"]
    assert not validator.is_valid(log)
    print(f"sarif 2.1.0 schema: {len(CASES)} logs")
