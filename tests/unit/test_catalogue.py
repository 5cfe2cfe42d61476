from dataclasses import replace

import msgspec

from phoenix_gitops.catalogue import TARGET_LABELS, declared, of
from phoenix_gitops.model.platform import Catalog, Image
from phoenix_gitops.rules import alerts
from phoenix_gitops.rules.group import Alert, Group, Record
from phoenix_gitops.rules.inventory import emitted, recorded, seen_by, with_records
from phoenix_gitops.rules.known import baseline, known_metrics
from tests.unit.rules import support


def test_a_histogram_is_three_series_and_a_summary_too():
    catalogue = of(declared([support.catalog()]))
    assert {n: catalogue.metrics[n].type for n in catalogue.names if n.startswith("request_seconds")} == {
        "request_seconds_bucket": "counter",
        "request_seconds_sum": "counter",
        "request_seconds_count": "counter",
    }
    assert catalogue.metrics["request_seconds_bucket"].labels == TARGET_LABELS | {"route", "le"}


def test_declared_metrics_have_the_catalogs_interval():
    catalogue = of(declared([support.catalog(interval="1m")]))
    assert catalogue.metrics["queue_length"].interval_ms == 60_000
    assert catalogue.metrics["queue_length"].source == "MetricCatalog/shop"


def test_process_metrics_stand_behind_each_exporter_under_its_namespace():
    known = emitted(support.environment()).metrics
    for namespace in ("phoenix_full_final_output", "phoenix_opt_final_output", "phoenix_exp_final_output"):
        assert known[f"{namespace}_process_cpu_time_seconds_total"].type == "counter"
        assert known[f"{namespace}_process_memory_usage_bytes"].type == "gauge"
    assert known["phoenix_opt_final_output_rollup_process_count"].type == "gauge"
    assert "phoenix_full_final_output_rollup_process_count" not in known


def test_no_names_are_known_that_the_pinned_collector_does_not_have():
    known = {m.name for m in known_metrics(support.environment())}
    assert "otelcol_processor_memory_limiter_refused_metric_points_total" in known
    assert not {n for n in known if n.startswith(("otelcol_processor_dropped", "otelcol_processor_refused"))}


def test_the_collectors_own_metrics_bear_the_names_of_their_version():
    env = support.environment()
    catalog = Catalog(collector=Image(repository="registry.example.com/otelcol", tag="0.152.1"))
    spec = msgspec.structs.replace(env.platform.spec, catalog=catalog)
    old = replace(env, platform=msgspec.structs.replace(env.platform, spec=spec))
    known = {m.name for m in known_metrics(old)}
    assert "otelcol_processor_refused_metric_points_total" in known
    assert not {n for n in known if n.startswith("otelcol_processor_memory_limiter")}
    rules = [r for group in alerts.groups(support.cluster_scope(old)) for r in group.rules]
    (refused,) = [r for r in rules if isinstance(r, Alert) and r.alert == "PhoenixDataRefused"]
    assert "rate(otelcol_processor_refused_metric_points_total[" in refused.expr


def test_the_baseline_is_full_or_else_the_first_that_can_be_counted():
    assert baseline(support.environment(names=("optimized", "full"))).metadata.name == "full"
    assert baseline(support.environment(names=("optimized", "experimental"))).metadata.name == "optimized"
    assert baseline(support.environment(names=())) is None


def test_a_record_has_the_labels_and_type_of_its_expression():
    catalogue = of(declared([support.catalog()]))
    plain = recorded(Record(record="a", expr="sum by (code) (http_requests_total)"), "30s", catalogue)
    assert (plain.type, plain.labels, plain.interval_ms) == ("counter", {"code"}, 30_000)
    rate = recorded(Record(record="b", expr="rate(http_requests_total[5m])", labels={"x": "y"}), "1m", catalogue)
    assert (rate.type, rate.labels) == ("gauge", TARGET_LABELS | {"code", "route", "x"})


def test_records_are_known_to_later_groups():
    groups = [
        Group(name="one", interval="30s", rules=(Record(record="a", expr="sum by (code) (http_requests_total)"),)),
        Group(name="two", interval="30s", rules=(Record(record="b", expr="sum without (code) (a)"),)),
    ]
    catalogue = with_records(of(declared([support.catalog()])), groups)
    assert catalogue.metrics["b"].labels == frozenset()


def test_a_tenant_sees_of_the_platforms_records_only_those_that_bear_its_label():
    env = support.environment()
    from phoenix_gitops.rules.lint import own_groups

    seen = seen_by(support.tenant(), with_records(emitted(env), own_groups(env)))
    assert "phoenix:tenant_active_series" in seen.names
    assert "phoenix:pipeline_active_series" not in seen.names
    assert "http_requests_total" in seen.names
