"""Every custom resource of the reference platform, and of a platform on Flux, against the original CRDs."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix_gitops.back import Tools, compile_environment
from phoenix_gitops.cli.session import stages
from phoenix_gitops.crds import Directory, fetch
from phoenix_gitops.front import run_front
from tests.crds import crds_of

ROOT = Path(__file__).parent.parent
GROUPS = (
    "argoproj.io",
    "grafana.integreatly.org",
    "kustomize.toolkit.fluxcd.io",
    "monitoring.coreos.com",
    "operator.victoriametrics.com",
    "source.toolkit.fluxcd.io",
)
"""API groups that we emit custom resources of; an object of another one would be unchecked, and the test fails."""


@pytest.fixture(scope="module")
def schemas(tmp_path_factory) -> Path:
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("crds")
    result = fetch([Directory(crds_of(GROUPS, source))], target)
    assert len(result.written) > 10
    return target


@pytest.mark.parametrize(
    ("root", "emitted"),
    [
        (ROOT, {"application", "appproject", "podmonitor", "prometheusrule"}),
        (ROOT / "tests/cases/good/flux", {"gitrepository", "kustomization", "podmonitor", "prometheusrule"}),
    ],
    ids=["argocd", "flux"],
)
def test_no_custom_resource_is_refused_and_none_is_left_unchecked(schemas, root, emitted):
    front = run_front(root)
    ready, faults = stages(front, [])
    assert faults == ()
    kinds = set()
    for stage in ready:
        compiled = compile_environment(stage, front.policies, Tools(schemas=schemas, cache=None))
        assert [d for d in compiled.diagnostics if d.code.startswith("PHX7")] == []
        kinds |= {file.path.rpartition("/")[2].partition("-")[0] for file in compiled.files}
    assert emitted <= {kind.partition(".")[0] for kind in kinds}
