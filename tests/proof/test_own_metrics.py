"""What rules may read of the collectors themselves, before the collectors: names, types and labels, by version."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from phoenix_gitops.catalogue import TARGET_LABELS, Metric
from phoenix_gitops.collector.gateway import gateway
from phoenix_gitops.collector.ports import OTLP_HTTP, TELEMETRY
from phoenix_gitops.collector.versions import VERSIONS
from phoenix_gitops.judges.otelcol import Local, Running, local, running
from phoenix_gitops.rules.known import known_metrics
from phoenix_gitops.scope import EnvironmentScope
from tests.proof.collectors import binary
from tests.proof.judge import Judge
from tests.proof.test_collector_interpreter import get, otlp
from tests.unit.collector.scopes import environment
from tests.unit.collector.test_chain import DATA

pytestmark = pytest.mark.proof

SECONDS = 30
COUNTED_ON = (
    r'otelcol_exporter_sent_metric_points_total{.*exporter="prometheus/full_prometheus"',
    r'otelcol_processor_internal_duration_seconds_bucket{.*processor="filter/optimized".*le="0.05"',
    r'otelcol_receiver_accepted_metric_points_total{.*receiver="otlp/workloads"',
    r'otelcol_processor_\w*accepted_metric_points_total{.*processor="memory_limiter/intake_all"',
)
"""Series that rules select by ids of components and by buckets."""
ADDED = {"le", "otel_scope_name", "otel_scope_version", "service_instance_id", "service_name", "service_version"}
"""Labels of histograms, and those that the reader adds."""
OVER_HTTP = {"server_address", "server_port", "url_path"}
"""Labels of what was sent over HTTP: here nothing arrives."""


def pinned(version: str) -> EnvironmentScope:
    image = {"repository": "registry.example.com/otelcol", "tag": version}
    return environment(spec={"exports": ["newrelic"]}, platform={"catalog": {"collector": image}})


def troubled(env: EnvironmentScope, folder: Path) -> Local:
    """A gateway that has met it all: one pipeline has no memory, and the backend of the others does not answer."""
    config = gateway(env)[0]
    config["processors"]["memory_limiter/observatory"].update(limit_mib=1, spike_limit_mib=0)
    senders = {name: settings for name, settings in config["exporters"].items() if name.startswith("otlp_http/")}
    assert senders
    for settings in senders.values():
        settings["sending_queue"]["queue_size"] = 1
        settings["retry_on_failure"].update(initial_interval="50ms", max_interval="50ms", max_elapsed_time="100ms")
    return local(config, folder, batch_timeout="20ms", redirect=dict.fromkeys(senders, "http://127.0.0.1:9"))


def send(collector: Running) -> None:
    url, headers = collector.url(OTLP_HTTP, "/v1/metrics"), {"Content-Type": "application/json"}
    try:
        urllib.request.urlopen(urllib.request.Request(url, json.dumps(otlp(DATA)).encode(), headers), timeout=5)
    except urllib.error.HTTPError as refused:
        assert refused.code == 503  # noqa: PT017 - what the pipeline without memory answers


def shown(text: str) -> dict[str, tuple[str, set[str]]]:
    """Type and labels of each metric of a scrape."""
    labels: dict[str, set[str]] = defaultdict(set)
    for name, inside in re.findall(r"(?m)^(\w+)\{(.*)\}", text):
        labels[name.removesuffix("_bucket")] |= set(re.findall(r'(\w+)="', inside))
    return {name: (type_, labels[name]) for name, type_ in re.findall(r"(?m)^# TYPE (\w+) (\w+)", text)}


def own(env: EnvironmentScope) -> dict[str, Metric]:
    return {metric.name: metric for metric in known_metrics(env) if metric.source == "the collectors' own metrics"}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_collector_shows_what_rules_may_read_of_it(version: str, tmp_path: Path, judge: Judge) -> None:
    env = pinned(version)
    known, seen, text = own(env), dict[str, Any](), ""
    with running(binary(version), troubled(env, tmp_path)) as collector:
        deadline = time.monotonic() + SECONDS
        while known.keys() - seen.keys() and time.monotonic() < deadline:
            send(collector)
            text = get(collector.url(TELEMETRY, "/metrics"))
            seen = shown(text)
    assert known.keys() - seen.keys() == set()
    assert {name: metric.type for name, metric in known.items()} == {name: seen[name][0] for name in known}
    for name, metric in known.items():
        assert metric.labels is not None
        assert seen[name][1] <= metric.labels | ADDED, name
        assert metric.labels - TARGET_LABELS - seen[name][1] in (set(), OVER_HTTP), name
    for series in COUNTED_ON:
        assert re.search(rf"(?m)^{series}", text), series
    others = {m for v in VERSIONS if v != version for m in own(pinned(v))} - known.keys()
    assert others & seen.keys() == set()
    judge.took("otelcol", len(known), f"metrics of the collector itself, {version}")
