"""Where an environment's tree is committed, and where it cannot be."""

from __future__ import annotations

import pytest

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.repository import Location, location
from tests.unit.emitters.support import platform

URL = "https://git.example.com/metrics/gitops.git"
OTHER = "https://git.example.com/metrics/tree.git"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, Location(URL, "main")),
        ({"repository": {"branch": "trunk"}}, Location(URL, "trunk")),
        ({"output": {"mode": "branch"}}, Location(URL, "env/prod")),
        ({"output": {"mode": "branch", "branch": "live-{environment}"}}, Location(URL, "live-prod")),
        ({"output": {"mode": "branch", "promoter": True}}, Location(URL, "env/prod")),
        ({"output": {"mode": "repo", "url": OTHER, "branch": "main"}}, Location(OTHER, "main")),
        ({"output": {"mode": "tree", "url": OTHER, "branch": "x"}}, Location(URL, "main")),
    ],
)
def test_where_the_tree_is_committed(spec, expected):
    assert location(platform(**spec), "prod") == expected


def test_a_branch_is_named_in_full():
    assert Location(URL, "env/prod").revision == "refs/heads/env/prod"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"output": {"mode": "repo"}}, "output mode `repo` has no `url`"),
        (
            {"output": {"mode": "repo", "url": URL.removesuffix(".git") + "/"}},
            "output repository `https://git.example.com/metrics/gitops/` is the repository of the policies",
        ),
        (
            {"output": {"mode": "repo", "url": "git@git.example.com:Metrics/GitOps"}},
            "output repository `git@git.example.com:Metrics/GitOps` is the repository of the policies",
        ),
        ({"output": {"mode": "branch", "branch": "main"}}, "output branch `main` is the branch of the policies"),
        *(
            (
                {"output": {"promoter": True, **output}},
                "`promoter` proposes to a branch of each environment, and `output` names none",
            )
            for output in ({"mode": "tree"}, {"mode": "branch", "branch": "live"})
        ),
        (
            {"repository": {"url": "https://me:secret@git.example.com/a.git"}},
            "a repository's address holds a password or token, which would stand in the compiled tree",
        ),
        (
            {"output": {"mode": "repo", "url": "https://secret@git.example.com/a.git"}},
            "a repository's address holds a password or token, which would stand in the compiled tree",
        ),
    ],
)
def test_where_a_tree_cannot_be_committed(spec, message):
    fault = location(platform(**spec), "prod")
    assert isinstance(fault, Diagnostic)
    assert (fault.code, fault.message) == ("PHX674", message)
    assert fault.help.endswith(", in phoenix.yaml")
    assert "secret@" not in fault.message + fault.help
