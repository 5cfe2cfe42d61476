"""The judges themselves: each is the version that is pinned, and collectors have the components of their tables."""

from __future__ import annotations

import subprocess

import pytest
import yaml

from phoenix_gitops.collector.table import Kind
from phoenix_gitops.collector.versions import VERSIONS
from scripts.get_tool import RECIPES
from tests.proof.judge import collectors, tool, version

pytestmark = pytest.mark.proof

PINNED = {recipe.name: recipe.version for recipe in RECIPES}


@pytest.mark.parametrize("name", PINNED)
def test_a_judge_is_the_pinned_version_and_says_so(name: str) -> None:
    assert (tool(name).name, version(name)) == (name, PINNED[name])


def test_each_collector_says_its_version() -> None:
    said = {
        number: subprocess.check_output([path, "--version"], text=True).split()[-1]
        for number, path in collectors().items()
    }
    assert said == {number: number for number in VERSIONS}


@pytest.mark.parametrize("number", VERSIONS)
def test_a_collector_has_the_components_of_its_table_and_no_other(number: str) -> None:
    listed = yaml.safe_load(subprocess.check_output([collectors()[number], "components"], text=True))
    had = {(kind, row["name"]) for kind in Kind for row in listed[kind]}
    assert had == set(VERSIONS[number].components)
