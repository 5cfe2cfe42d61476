"""The collector and our interpreter of its processors agree, so that what the interpreter shows in tests holds."""

from __future__ import annotations

import functools
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phoenix_gitops.collector.gateway import gateway
from phoenix_gitops.collector.ports import OTLP_HTTP
from phoenix_gitops.collector.versions import VERSIONS
from phoenix_gitops.judges.otelcol import local, running
from tests.proof.collectors import binary
from tests.proof.judge import Judge
from tests.unit.collector.otel import GAUGE, Resource, through, values
from tests.unit.collector.scopes import environment
from tests.unit.collector.test_chain import DATA

pytestmark = pytest.mark.proof

PIPELINES = {"full": 8888, "optimized": 8889, "experimental": 8890, "observatory": 8891}
METRICS = ("process.cpu.time", "process.memory.usage", "process.load", "rollup.process.count")


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=2) as answer:
        return str(answer.read().decode())


def until(what: Callable[[], str], seconds: float = 20) -> str:
    """The first answer that is not empty; after `seconds` whatever there is."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = what()
        except (urllib.error.URLError, OSError):
            found = ""
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def otlp(data: list[Resource]) -> dict[str, Any]:
    """The interpreter's data as OTLP in JSON."""
    now = time.time_ns()

    def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]

    def metric(one: Any) -> dict[str, Any]:
        points = [
            {"attributes": pairs(p.attributes), "timeUnixNano": str(now + p.time), "asDouble": p.value}
            for p in one.points
        ]
        if one.type == GAUGE:
            return {"name": one.name, "gauge": {"dataPoints": points}}
        return {"name": one.name, "sum": {"aggregationTemporality": 2, "isMonotonic": False, "dataPoints": points}}

    def resource(one: Resource) -> dict[str, Any]:
        metrics = [metric(m) for m in one.metrics]
        return {"resource": {"attributes": pairs(one.attributes)}, "scopeMetrics": [{"metrics": metrics}]}

    return {"resourceMetrics": [resource(one) for one in data]}


def shown(text: str, metric: str) -> dict[str, float]:
    """The sum of a metric's samples by executable name, from the text that Prometheus scrapes."""
    found: dict[str, float] = {}
    for labels, value in re.findall(rf"(?m)^\w+?_{metric}\{{(.*)\}} (\S+)", text):
        name = re.search(r'process_executable_name="([^"]*)"', labels)
        assert name
        found[name[1]] = found.get(name[1], 0) + float(value)
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_the_collector_and_the_interpreter_agree(version: str, tmp_path: Path, judge: Judge) -> None:
    # Without a cluster nobody's pod is known: the tenant is the same on both sides.
    data = [Resource({**r.attributes, "tenant.id": "unassigned"}, r.metrics) for r in DATA]
    image = {"repository": "registry.example.com/otelcol", "tag": version}
    config, _ = gateway(environment(platform={"catalog": {"collector": image}}))
    newest, _ = gateway(environment())
    with running(binary(version), local(config, tmp_path, batch_timeout="100ms")) as collector:
        body = json.dumps(otlp(data)).encode()
        url = collector.url(OTLP_HTTP, "/v1/metrics")
        urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=5)
        for name, port in PIPELINES.items():
            text = until(functools.partial(get, collector.url(port, "/metrics")))
            expected = through(newest, name, data)
            for metric in METRICS:
                found = shown(text, metric.replace(".", "_"))
                assert found == pytest.approx(values(expected, metric)), (name, metric)
    judge.took("otelcol", len(PIPELINES), f"pipelines that do what the interpreter says, {version}")
