"""Schemas of custom resources may come with a stranger's pull request: they fetch nothing and cost little."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from phoenix_gitops.verify.custom import MAX_BYTES, CustomSchemas, DamagedSchemaError

KIND = ("example.com", "v1", "Widget")


def schemas(folder: Path, text: str) -> CustomSchemas:
    (folder / "example.com").mkdir()
    (folder / "example.com" / "widget_v1.json").write_text(text)
    return CustomSchemas(folder)


def doubling(steps: int) -> dict[str, object]:
    """A schema of a few lines whose work doubles at each step."""
    steps_ = {f"s{i}": {"allOf": [{"$ref": f"#/$defs/s{i + 1}"}] * 2} for i in range(steps)}
    return {"$ref": "#/$defs/s0", "$defs": {**steps_, f"s{steps}": {"type": "object"}}}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"type": "object", "properties": {"spec": {"items": [{"$ref": "file:///etc/passwd"}]}}},
        {"$dynamicRef": "#other"},
        {"$recursiveRef": "#"},
        doubling(60),
    ],
)
def test_schemas_that_point_anywhere_are_refused(tmp_path: Path, schema: dict[str, object]) -> None:
    with pytest.raises(DamagedSchemaError, match=r"example\.com/widget_v1\.json"):
        schemas(tmp_path, json.dumps(schema)).schema(KIND)


def test_a_meta_schema_is_never_fetched(tmp_path: Path) -> None:
    told = tmp_path / "meta.json"
    told.write_text('{"type": "object"}')
    found = schemas(tmp_path, json.dumps({"$schema": told.as_uri(), "type": "object"}))
    assert found.schema(KIND) is not None
    with pytest.raises(DamagedSchemaError):
        found.validator(KIND)


def test_a_field_may_be_called_ref(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"$ref": {"type": "string"}}}
    found = schemas(tmp_path, json.dumps(schema))
    assert found.schema(KIND) == schema
    assert not found.validator(KIND).is_valid({"$ref": 1})


def test_a_huge_schema_is_not_read(tmp_path: Path) -> None:
    found = schemas(tmp_path, "{}")
    os.truncate(tmp_path / "example.com" / "widget_v1.json", 40 * MAX_BYTES)
    with pytest.raises(DamagedSchemaError):
        found.schema(KIND)


@pytest.mark.parametrize("pattern", ["^(?=a)(a+)+!$", "^(a|a?)+(?!b)!$", r"^(?=a)(a|a?)+(b|c)*\1!$"])
def test_patterns_that_explode_end(tmp_path: Path, pattern: str) -> None:
    found = schemas(tmp_path, json.dumps({"properties": {"name": {"pattern": pattern}}}))
    found.schema(KIND)
    assert not found.validator(KIND).is_valid({"name": "a" * 10_000})
