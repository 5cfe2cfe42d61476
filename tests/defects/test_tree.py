"""What defects of the tree, its delivery and its making would look like."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from phoenix_gitops.determinism import VARIATIONS, CompileFailed, Variation, run_variation
from phoenix_gitops.diagnostics import has_errors
from phoenix_gitops.front import run_front
from tests.defects.test_configs import ENVIRONMENTS, relays
from tests.reference.platform import ROOT, compiled, front, output

SMALL = ROOT / "tests" / "cases" / "bad" / "_base"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_reconciled_folders_hold_objects_alone(environment):
    """25, 26, 27: no build of kustomize or Helm stands between what is reviewed and what runs."""
    for path, body in output(environment).files.items():
        if path.startswith("_proof/"):
            continue
        assert path.endswith(".yaml")
        assert {"apiVersion", "kind", "metadata"} <= body.keys()
        assert not body["apiVersion"].startswith(("kustomize.config.k8s.io/", "helm."))
        # What no built-in group has comes with the group of its operator.
        if body["kind"] in ("PodMonitor", "ServiceMonitor", "PrometheusRule"):
            assert body["apiVersion"] == "monitoring.coreos.com/v1"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_application_has_objects_to_apply(environment):
    """27."""
    found = output(environment)
    folders = {"/".join(path.split("/")[:3]) for path in found.files if not path.startswith("_proof/")}
    applied = {app["spec"]["source"]["path"].removeprefix("generated/") for app in found.of_kind("Application")}
    assert applied == folders


def test_another_prefix_moves_names_and_addresses_together(tmp_path):
    """28."""
    root = repository(tmp_path)
    platform = root / "phoenix.yaml"
    platform.write_text(platform.read_text() + "  conventions: {namespacePrefix: acme}\n")
    found = compiled(run_front(root), "main")
    assert {d["metadata"]["namespace"] for d in found.of_kind("DaemonSet")} == {"acme-agents"}
    assert "phoenix-gateway" not in str(found.agent)
    assert relays(found) == 2


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_pods_are_scraped_one_by_one(environment):
    """31: an address of a Service would show another replica's values each time."""
    found = output(environment)
    assert list(found.of_kind("PodMonitor"))
    assert not list(found.of_kind("ServiceMonitor"))
    assert not list(found.of_kind("Probe"))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_stands_in_for_what_one_address_cannot_give(environment):
    """32: no route rewrites a path, and nothing that runs twice keeps state of its own."""
    found = output(environment)
    assert not list(found.of_kind("Ingress"))
    assert not list(found.of_kind("PersistentVolumeClaim"))
    for workload in (*found.of_kind("Deployment"), *found.of_kind("StatefulSet")):
        volumes = workload["spec"]["template"]["spec"]["volumes"]
        assert not [v for v in volumes if "persistentVolumeClaim" in v]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_secret_is_in_the_tree(environment):
    """33."""
    found = output(environment)
    assert not list(found.of_kind("Secret"))
    for workload in (*found.of_kind("Deployment"), *found.of_kind("DaemonSet")):
        for container in workload["spec"]["template"]["spec"]["containers"]:
            for variable in container["env"]:
                # A literal is a limit of Go; all else comes from a Secret by name, or from the pod.
                assert ("value" in variable) == (variable["name"] == "GOMEMLIMIT"), variable


def test_two_compiles_are_byte_identical(tmp_path):
    """34: whatever the hash seed, locale, time zone, order of files and folder."""
    root = repository(tmp_path)
    first, *others = (run_variation(root, variation) for variation in VARIATIONS)
    assert len(first) > 20
    for other in others:
        assert other == first


def test_a_crash_is_not_taken_for_findings(tmp_path):
    """34: of the comparison itself."""
    root = repository(tmp_path)
    (root / "policies" / "shop.yaml").write_text("kind: Tenent\n")
    with pytest.raises(CompileFailed):
        run_variation(root, VARIATIONS[0])
    broken = Variation("no such encoding", {"PYTHONIOENCODING": "no-such"})
    with pytest.raises(subprocess.CalledProcessError):
        run_variation(repository(tmp_path / "other"), broken)


@pytest.mark.parametrize("name", ["test", "example", "fixture", "ci-policy", "shop-template", "zz"])
def test_no_file_is_spared_for_its_name(tmp_path, name):
    """42."""
    root = repository(tmp_path)
    policy = root / "policies" / f"{name}.yaml"
    text = (root / "policies" / "shop.yaml").read_text().replace("shop", "extra")
    policy.write_text(text)
    assert not has_errors(run_front(root).diagnostics)
    policy.write_text(f"{text}  colour: red\n")
    assert [(d.code, d.primary and d.primary.span.file) for d in run_front(root).diagnostics] == [
        ("PHX202", f"policies/{name}.yaml")
    ]


def test_what_is_shipped_is_checked_like_any_other():
    """42: each file of policies that lies here has been read, and so has each preset."""
    found = front()
    lying = {
        path.relative_to(ROOT).as_posix()
        for folder in ("policies", "environments")
        for path in (ROOT / folder).rglob("*.yaml")
    }
    presets = {
        f"preset:{path.relative_to(folder).with_suffix('').as_posix()}"
        for folder in [ROOT / "phoenix_gitops" / "presets"]
        for path in folder.rglob("*.yaml")
    }
    assert lying | {"phoenix.yaml"} | presets == {name for name in found.sources if not name.endswith(".cue")}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_scrape_configs_go_to_collectors_and_never_to_promtool(environment):
    """43: not every promtool knows Kubernetes; discovery is the collector's, or the operator's."""
    seen = 0
    for path, body in output(environment).files.items():
        if "/rules/" in path and path.startswith("_proof/"):
            assert body.keys() == {"groups"}
        if "kubernetes_sd_configs" in str(body):
            assert "/collectors/" in path or body.get("kind") == "ConfigMap", path
            seen += 1
    assert seen


def repository(tmp_path: Path) -> Path:
    """A small sound repository."""
    return Path(shutil.copytree(SMALL, tmp_path / "repository"))
