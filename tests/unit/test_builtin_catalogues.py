"""Tables of what well-known components emit, and rules in the manner of public rule sets over them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from phoenix_gitops.catalogue import Catalogue
from phoenix_gitops.catalogue.builtin import TABLES, table
from phoenix_gitops.catalogue.shelf import Table
from phoenix_gitops.model.environment import BuiltinCatalog
from phoenix_gitops.promql.check import check_expression
from phoenix_gitops.rules import inventory, lint
from phoenix_gitops.rules.flow import provided
from phoenix_gitops.scope import EnvironmentScope
from tests.unit.rules import support

SIZES = {
    **{"argo-cd": 33, "cadvisor": 123, "kafka-exporter": 17, "kube-state-metrics": 336, "kubelet": 170},
    **{"node-exporter": 1224, "opencost": 16, "prometheus": 286},
}
"""Series of tables that do not come from a server in the tool cache, which proof tests compare."""


def having(*names: str, **telemetry: object) -> EnvironmentScope:
    env = support.environment()
    spec = msgspec.structs.replace(
        env.environment.spec,
        catalogs=list(names),
        telemetry=msgspec.structs.replace(env.environment.spec.telemetry, **telemetry),
    )
    return replace(env, environment=msgspec.structs.replace(env.environment, spec=spec))


def test_policies_can_name_every_table():
    assert set(get_args(BuiltinCatalog)) == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_sound(name):
    rows = list(table(name))
    assert len({metric.name for metric in rows}) == len(rows)
    for metric in rows:
        assert metric.source == name
        assert metric.interval_ms == 0
        assert metric.type in {"counter", "gauge", "unknown"}
        if metric.name.endswith("_sum") and metric.type == "counter":
            assert metric.name.removesuffix("_sum") + "_count" in {m.name for m in rows}
    assert len(rows) == SIZES.get(name, len(rows))


@pytest.mark.parametrize(
    ("name", "metric", "type_", "unit", "labels"),
    [
        ("kube-state-metrics", "kube_pod_status_phase", "gauge", "", {"namespace", "pod", "phase", "uid"}),
        ("kube-state-metrics", "kube_pod_container_status_restarts_total", "counter", "", {"container", "pod"}),
        ("cadvisor", "container_memory_working_set_bytes", "gauge", "bytes", {"container", "pod", "image"}),
        ("node-exporter", "node_cpu_seconds_total", "counter", "seconds", {"cpu", "mode"}),
        ("node-exporter", "node_filesystem_avail_bytes", "gauge", "bytes", {"device", "fstype", "mountpoint"}),
        ("kubelet", "kubelet_pod_start_duration_seconds_bucket", "counter", "", {"le"}),
        ("kafka-exporter", "kafka_consumergroup_lag", "gauge", "messages", {"consumergroup", "partition", "topic"}),
        ("argo-cd", "argocd_app_info", "gauge", "", {"health_status", "sync_status", "dest_server"}),
        ("opencost", "node_cpu_hourly_cost", "gauge", "", {"instance_type", "node"}),
        ("prometheus", "prometheus_tsdb_head_series", "gauge", "", set()),
        ("victoria-metrics", "vm_rows_inserted_total", "counter", "", {"type"}),
        ("vmagent", "vmagent_remotewrite_requests_total", "counter", "", {"url"}),
        ("vmalert", "vmalert_iteration_duration_seconds", "gauge", "seconds", {"group", "quantile"}),
    ],
)
def test_well_known_metrics_are_there(name, metric, type_, unit, labels):
    (found,) = [m for m in table(name) if m.name == metric]
    assert (found.type, found.unit) == (type_, unit)
    assert labels <= found.known_labels


def test_an_environment_has_only_what_it_says():
    assert provided(having()).names == frozenset()
    found = provided(having("kafka-exporter", scrape_interval="30s"))
    assert len(found.names) == SIZES["kafka-exporter"]
    lag = found.get("kafka_consumergroup_lag")
    assert lag is not None
    assert lag.interval_ms == 30_000
    assert {"pod", "service", "exported_namespace"} <= lag.known_labels
    assert not {"tenant_id", "phoenix_pipeline"} & lag.known_labels


def test_what_is_off_is_unknown_and_what_is_on_is_not_a_tenants():
    rules = {"records": [{"record": "shop:phases", "expr": "sum by (phase) (kube_pod_status_phase)"}]}

    def codes(env, tenant):
        rule_set = support.rule_set(tenant="shop" if tenant else None, **rules)
        held = [support.tenant(rule_sets=(rule_set,))] if tenant else []
        scope = env if tenant else replace(env, rule_sets=(rule_set,))
        return [f.finding.code for f in lint.lint([(scope, held)])]

    assert codes(having(), tenant=False) == ["PHX653"]
    assert codes(having("kube-state-metrics"), tenant=False) == []
    assert codes(having("kube-state-metrics"), tenant=True) == ["PHX679"]


def test_a_table_is_built_when_it_is_asked_for(monkeypatch):
    from phoenix_gitops.catalogue import shelf

    asked = []
    monkeypatch.setattr(shelf, "table", lambda name: asked.append(name) or table(name))
    shelf._rows.cache_clear()
    found = Catalogue({}, {}, (Table("kafka-exporter"), Table("opencost")))
    assert asked == []
    assert found.get("kafka_brokers") is not None
    assert asked == ["kafka-exporter"]
    shelf._rows.cache_clear()


CORPUS = Path(__file__).parent / "sound.promql"
"""Expressions in the manner of those that clusters commonly run, a line each; none has a fault."""

FAULTY = {
    "rate(kube_pod_container_status_restarts[5m])": "PHX653",
    "rate(kube_deployment_status_replicas[5m])": "PHX654",
    "deriv(node_cpu_seconds_total[5m])": "PHX654",
    'kube_pod_status_phase{phase="Crashed"}': "PHX677",
    "sum by (pod_name) (container_memory_working_set_bytes)": "PHX658",
    "container_memory_working_set_bytes + on (pod) container_start_time_seconds": "PHX680",
    "histogram_quantile(0.9, sum by (node) (rate(kubelet_pod_start_duration_seconds_bucket[5m])))": "PHX681",
    "rate(node_cpu_seconds_total[20s])": "PHX655",
    "sum(rate(node_cpu_seconds_total[5m])) / sum by (mode) (rate(node_cpu_seconds_total[5m]))": "PHX668",
    "kube_pod_info * on (pod) group_left (owner) kube_pod_owner": "PHX658",
    "median_over_time(node_load1[5m])": "PHX665",
}


@pytest.fixture(scope="module")
def everything() -> Catalogue:
    env = having(*TABLES)
    from phoenix_gitops.rules.group import Group, Record

    record = Record(record="instance:cpu:ratio", expr="1 - avg without (cpu, mode) (rate(node_cpu_seconds_total[5m]))")
    return inventory.with_records(inventory.emitted(env), [Group(name="g", interval="30s", rules=(record,))])


@pytest.mark.parametrize("expr", CORPUS.read_text().splitlines())
def test_rules_as_clusters_run_them_have_no_fault(expr, everything):
    assert [(f.code, f.message) for f in check_expression(expr, everything)] == []


@pytest.mark.parametrize(("expr", "code"), FAULTY.items())
def test_their_faults_are_found(expr, code, everything):
    assert [f.code for f in check_expression(expr, everything)] == [code]
