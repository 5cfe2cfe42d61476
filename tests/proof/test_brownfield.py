"""Configs for what others run, before a real API server: it takes them where their namespaces are, and only there."""

from __future__ import annotations

import pytest
import yaml

from tests.proof.cluster import Cluster
from tests.proof.judge import ROOT, Judge

pytestmark = pytest.mark.proof

LAB = ROOT / "tests" / "cases" / "good" / "brownfield" / "expected" / "lab" / "lab"


def test_what_others_read_is_taken_where_they_are(cluster: Cluster, judge: Judge) -> None:
    """Nothing of ours makes these namespaces: the case says that they exist."""
    bodies = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(LAB.rglob("*.yaml"))]
    foreign = {body["metadata"]["namespace"] for body in bodies}
    assert foreign == {"monitoring-rules", "obs-collectors", "obs-node-agents"}
    refused = [cluster.client.apply(body, dry_run=True) for body in bodies]
    assert [answer.message for answer in refused] == [
        f'namespaces "{body["metadata"]["namespace"]}" not found' for body in bodies
    ]
    judge.refused("kube-apiserver", len(bodies), "objects without their namespace")
    for name in sorted(foreign):
        made = cluster.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        assert made.ok, made.message
    taken = [cluster.client.apply(body, dry_run=True) for body in bodies]
    assert [answer.message for answer in taken if not answer.ok] == []
    judge.took("kube-apiserver", len(bodies), "configs for what others run")
