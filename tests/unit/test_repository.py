"""Addresses of repositories: which mean one, which hold a secret, and where a tree is committed."""

from __future__ import annotations

import pytest

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.repository import Location, has_password, location, normalise
from tests.unit.emitters.support import platform

SAME = [
    (
        "https://git.example.com/metrics/gitops",
        "https://git.example.com/metrics/gitops.git",
        "https://git.example.com/metrics/gitops/",
        "https://git.example.com/metrics/gitops.git/",
        "https://git.example.com:443/metrics//gitops",
        "HTTPS://Git.Example.com/Metrics/GitOps.git",
        " https://git.example.com/metrics/gitops ",
    ),
    (
        "git@git.example.com:metrics/gitops.git",
        "git@git.example.com:/metrics/gitops",
        "ssh://git@git.example.com/metrics/gitops",
        "ssh://git@git.example.com:22/metrics/gitops.git",
    ),
    ("file:///srv/git/tree.git", "file:///srv/git/tree/", "file:///srv/git/tree/.git"),
]


@pytest.mark.parametrize("spellings", SAME)
def test_spellings_of_one_repository_are_one(spellings):
    assert len({normalise(url) for url in spellings}) == 1


def test_other_repositories_stay_others():
    others = [
        *(spellings[0] for spellings in SAME),
        "https://git.example.com:8443/metrics/gitops",
        "https://git.example.com/metrics/gitops2",
        "https://git.example.com/metrics",
        "https://git.example.org/metrics/gitops",
        "http://git.example.com/metrics/gitops",
        "ssh://deploy@git.example.com/metrics/gitops",
        "ssh://git@git.example.com:2222/metrics/gitops",
    ]
    assert len({normalise(url) for url in others}) == len(others)


def test_the_one_spelling_is_its_own():
    for spellings in SAME:
        assert normalise(normalise(spellings[0])) == normalise(spellings[0])
    assert normalise("git@git.example.com:metrics/gitops.git") == "ssh://git@git.example.com/metrics/gitops"


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://user:token@git.example.com/a.git", True),
        ("https://token@git.example.com/a.git", True),
        ("ssh://git:pass@git.example.com/a.git", True),
        ("ssh://git@git.example.com/a.git", False),
        ("git@git.example.com:a.git", False),
        ("https://git.example.com/a.git", False),
        ("https://git.example.com/a@b:c.git", False),
    ],
)
def test_a_password_in_an_address_is_seen(url, secret):
    assert has_password(url) is secret


URL = "https://git.example.com/metrics/gitops.git"
OTHER = "https://git.example.com/metrics/tree.git"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, Location(URL, "main")),
        ({"repository": {"branch": "trunk"}}, Location(URL, "trunk")),
        ({"output": {"mode": "branch"}}, Location(URL, "env/prod")),
        ({"output": {"mode": "branch", "branch": "live-{environment}"}}, Location(URL, "live-prod")),
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
        ({"output": {"mode": "branch", "branch": "main"}}, "output branch `main` is the branch of the policies"),
        (
            {"repository": {"url": "https://me:secret@git.example.com/a.git"}},
            "a repository's address holds a password or token, which would stand in every Application",
        ),
        (
            {"output": {"mode": "repo", "url": "https://secret@git.example.com/a.git"}},
            "a repository's address holds a password or token, which would stand in every Application",
        ),
    ],
)
def test_where_a_tree_cannot_be_committed(spec, message):
    fault = location(platform(**spec), "prod")
    assert isinstance(fault, Diagnostic)
    assert (fault.code, fault.message) == ("PHX674", message)
    assert fault.help.endswith(", in phoenix.yaml")
    assert "secret@" not in fault.message + fault.help
