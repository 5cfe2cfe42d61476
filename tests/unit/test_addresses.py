"""Addresses of repositories: which mean one, and which hold a secret."""

from __future__ import annotations

import pytest

from phoenix_gitops.addresses import has_password, normalise, redacted

SPELLINGS = {
    "git.example.com/Metrics/GitOps": (
        "https://git.example.com/Metrics/GitOps",
        "https://git.example.com/Metrics/GitOps.git/",
        "https://git.example.com:443/Metrics//GitOps",
        "HTTPS://Git.Example.com/Metrics/GitOps.git",
        "https://user:token@git.example.com/Metrics/GitOps/",
        " http://git.example.com:80/Metrics/GitOps ",
        "git://git.example.com:9418/Metrics/GitOps",
        "git@Git.Example.com:Metrics/GitOps.git",
        "git.example.com:/Metrics/GitOps",
        "ssh://git@git.example.com/Metrics/GitOps",
        "ssh://deploy@git.example.com:22/Metrics/GitOps.git",
    ),
    "/srv/git/tree": ("file:///srv/git/tree.git", "file:///srv/git/tree/.git", "/srv/git/tree.git/", "/srv/git/tree"),
    "../x": ("../x", "../x.git", "../x/"),
}


@pytest.mark.parametrize(("one", "url"), [(one, url) for one, urls in SPELLINGS.items() for url in urls])
def test_spellings_of_one_repository_are_one(one: str, url: str) -> None:
    assert normalise(url) == one


@pytest.mark.parametrize(
    ("url", "one"),
    [
        ("https://git.example.com:8443/metrics/gitops", "git.example.com:8443/metrics/gitops"),
        ("https://git.example.com:22/metrics/gitops", "git.example.com:22/metrics/gitops"),
        ("ssh://git@git.example.com:2222/metrics/gitops", "git.example.com:2222/metrics/gitops"),
        ("https://git.example.com/metrics/gitops2", "git.example.com/metrics/gitops2"),
        ("https://git.example.com/metrics", "git.example.com/metrics"),
        ("https://git.example.org/metrics/gitops", "git.example.org/metrics/gitops"),
    ],
)
def test_other_repositories_stay_others(url: str, one: str) -> None:
    assert normalise(url) == one


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
def test_a_password_in_an_address_is_seen(url: str, secret: bool) -> None:
    assert has_password(url) is secret


def test_credentials_are_never_shown() -> None:
    assert redacted("fatal: https://me:secret@example.org/x refused") == "fatal: https://example.org/x refused"
    assert redacted("to https://me:p@ss@example.org/x") == "to https://example.org/x"
    assert redacted("see https://example.org/a@b") == "see https://example.org/a@b"
