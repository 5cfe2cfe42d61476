"""Links in a stranger's pull request lead nowhere, whatever they stand for: the whole program is run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from phoenix_gitops.cache import context_digest
from phoenix_gitops.cli import phoenix

SMALL = Path(__file__).parents[1] / "cases" / "good" / "small"
SCHEMA = "argoproj.io/application_v1alpha1.json"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder outside the repository that looks like what a link would stand for, and is a trap where it is not."""
    folder = tmp_path / "outside"
    (folder / "crds" / "argoproj.io").mkdir(parents=True)
    (folder / "crds" / SCHEMA).write_text(json.dumps({"type": "object", "required": ["secret"]}))
    (folder / "secret").write_text("hunter2")
    (folder / "secret").chmod(0o000)
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL, tmp_path / "repository"))


def validate(repository: Path) -> Result:
    runner = CliRunner(env={"PHOENIX_CACHE": str(repository.parent / "cache")})
    return runner.invoke(phoenix, ["-C", str(repository), "validate"], standalone_mode=False)


def test_templates_that_are_a_link(repository: Path, outside: Path) -> None:
    (repository / "templates").symlink_to(outside)
    result = validate(repository)
    assert result.exception is None
    assert result.return_value == 1
    assert "error[PHX610]: `templates` is a symbolic link" in result.output
    assert "secret" not in result.output


@pytest.mark.parametrize("linked", ["schemas", "schemas/crds", "schemas/crds/argoproj.io", f"schemas/crds/{SCHEMA}"])
def test_schemas_behind_a_link(repository: Path, outside: Path, linked: str) -> None:
    (repository / linked).parent.mkdir(parents=True, exist_ok=True)
    (repository / linked).symlink_to(outside / Path(linked).relative_to("schemas"))
    result = validate(repository)
    assert result.exception is None
    assert result.return_value == 1
    assert "error[PHX751]: a schema of custom resources is damaged" in result.output
    assert result.output.count(f"--> schemas/crds/{SCHEMA}:1:1") == 1
    assert "secret" not in result.output


def test_the_digest_of_a_repository_reads_through_no_link(repository: Path, outside: Path) -> None:
    (repository / "schemas" / "crds").mkdir(parents=True)
    (repository / "schemas" / "crds" / "x.json").symlink_to(outside / "crds" / SCHEMA)
    before = context_digest(repository, ())
    (outside / "crds" / SCHEMA).write_text("{}")
    assert context_digest(repository, ()) == before
    (repository / "schemas" / "crds" / "x.json").unlink()
    without = context_digest(repository, ())
    (repository / "schemas" / "crds" / "x.json").write_text("{}")
    assert len({before, without, context_digest(repository, ())}) == 3


@pytest.mark.parametrize("linked", ["templates", "schemas", "schemas/crds"])
def test_the_digest_of_a_repository_knows_a_linked_folder(repository: Path, outside: Path, linked: str) -> None:
    (repository / linked).parent.mkdir(exist_ok=True)
    without = context_digest(repository, ())
    (repository / linked).symlink_to(outside)
    there = context_digest(repository, ())
    (outside / "more").write_text("{}")
    assert there == context_digest(repository, ()) != without
