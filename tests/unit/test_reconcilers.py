"""What the chosen reconciler asks of policies: settings without effect, facts that are missing."""

from __future__ import annotations

import pytest

from phoenix_gitops.reconcilers import check_reconciler
from phoenix_gitops.resolve import Resolved
from phoenix_gitops.world import build
from tests.unit.policies import document

HERE, THERE = "https://kubernetes.default.svc", "https://eu.example.com"
HTTPS = "https://git.example.com/a.git"


def check(platform: str = "", environment: str = "", *, server: str = HERE, cluster: str = "", url: str = HTTPS):
    """Code, place, message and help of each fault; `platform`, `environment`, `cluster`: more of their specs."""
    documents = [
        document(
            f"kind: Platform\nmetadata: {{name: p, owner: team}}\nspec:\n  version: 0.1.0\n"
            f'  repository: {{url: "{url}"}}\n{platform}',
            "phoenix.yaml",
        ),
        document("kind: Pipeline\nmetadata: {name: edge, owner: team}\nspec: {stage: edge}\n"),
        document("kind: SecurityPolicy\nmetadata: {name: standard, owner: team}\nspec: {}\n"),
        document(
            "kind: Environment\nmetadata: {name: prod, owner: team}\n"
            "spec:\n  class: prod\n  pipelines: []\n  clusters:\n"
            f'    - {{name: eu, server: "{server}", kubernetes: "1.34"{cluster}}}\n{environment}',
            "environments/prod.yaml",
        ),
    ]
    policies = {(d.kind, d.name): Resolved(d, d.data) for d in documents}
    return [
        (fault.code, f"{fault.primary.span.file}:{fault.primary.span.line}", fault.message, fault.help)
        for fault in check_reconciler(policies, build(policies))
    ]


FLUX = "  reconciler: flux\n"
KUBECONFIG = ", kubeConfig: {secret: eu}"


@pytest.mark.parametrize(
    ("platform", "cluster"),
    [
        ("", ""),
        ("  reconciler: argocd\n  argocd: {namespace: cd}\n", ""),
        (FLUX, ""),
        (f"{FLUX}  flux: {{namespace: flux}}\n", KUBECONFIG),
    ],
)
def test_what_fits_is_fine(platform, cluster):
    assert check(platform, "  sync: {selfHeal: true, prune: false, automated: false}\n", cluster=cluster) == []


def test_settings_of_flux_are_idle_under_argo_cd():
    assert check("  flux: {poll: 5m}\n", cluster=KUBECONFIG) == [
        ("PHX537", "phoenix.yaml:7", "`flux` would have no effect: the platform's reconciler is Argo CD", "remove it"),
        (
            "PHX537",
            "environments/prod.yaml:8",
            "`kubeConfig` would have no effect: the platform's reconciler is Argo CD",
            "give Argo CD a cluster secret instead",
        ),
    ]


def test_settings_of_argo_cd_are_idle_under_flux():
    found = check(
        f"{FLUX}  argocd: {{namespace: cd}}\n",
        "  sync:\n    selfHeal: false\n    retry:\n      limit: 9\n      backoff: 20s\n      maxBackoff: 9m\n",
    )
    assert [(code, place, message) for code, place, message, _ in found] == [
        ("PHX537", "phoenix.yaml:8", "`argocd` would have no effect: the platform's reconciler is Flux"),
        ("PHX537", "environments/prod.yaml:12", "`limit` would have no effect: Flux tries again until it succeeds"),
        (
            "PHX537",
            "environments/prod.yaml:14",
            "`maxBackoff` would have no effect: Flux always waits the same time, `backoff`",
        ),
        ("PHX537", "environments/prod.yaml:10", "`selfHeal` would have no effect: Flux always undoes changes by hand"),
    ]


def test_a_cluster_elsewhere_needs_a_kubeconfig():
    ((code, place, message, help_),) = check(FLUX, server=THERE)
    assert (code, place) == ("PHX538", "environments/prod.yaml:8")
    assert message == "cluster `prod/eu` is not the one that Flux runs in, and has no `kubeConfig`"
    assert "`kubeConfig: {secret: NAME}`" in help_
    assert check(f'{FLUX}  flux: {{server: "{THERE}"}}\n', server=THERE) == []
    assert check(FLUX, server=THERE, cluster=KUBECONFIG) == []


@pytest.mark.parametrize(
    ("url", "output", "message", "advice"),
    [
        (
            "git@git.example.com:metrics/a.git",
            "",
            "Flux cannot read address `git@git.example.com:metrics/a.git`",
            "write `ssh://git@git.example.com/metrics/a.git`",
        ),
        (
            "git@git.example.com:/a.git",
            "",
            "Flux cannot read address `git@git.example.com:/a.git`",
            "write `ssh://git@git.example.com/a.git`",
        ),
        (
            "file:///srv/a.git",
            "",
            "Flux cannot read address `file:///srv/a.git`",
            "give an address of `https://` or `ssh://`",
        ),
        (
            "ssh://git@git.example.com/a.git",
            "",
            "Flux reaches `ssh://git@git.example.com/a.git` only with a key",
            "name the Secret with its key in phoenix.yaml: `spec.flux.secret`",
        ),
        (
            HTTPS,
            '  output: {mode: repo, url: "git://git.example.com/tree.git"}\n',
            "Flux cannot read address `git://git.example.com/tree.git`",
            "give an address of `https://` or `ssh://`",
        ),
    ],
)
def test_an_address_that_flux_cannot_read(url, output, message, advice):
    ((code, place, said, help_),) = check(output + FLUX, url=url)
    assert (code, said, help_) == ("PHX538", message, advice)
    assert place == ("phoenix.yaml:7" if output else "phoenix.yaml:6")


def test_only_the_address_that_is_read_counts():
    other = '  output: {mode: repo, url: "https://git.example.com/tree.git"}\n'
    assert check(other + FLUX, url="git@git.example.com:metrics/a.git") == []
    assert check(f"{FLUX}  flux: {{secret: key}}\n", url="ssh://git@git.example.com/a.git") == []
    assert check(url="git@git.example.com:metrics/a.git") == []
