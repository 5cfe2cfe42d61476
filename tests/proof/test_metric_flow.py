"""Which labels reach an exporter, before the collectors: what the compiler says is lost is lost, the rest is there."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from pathlib import Path

import pytest

from phoenix_gitops.catalogue import Catalogue
from phoenix_gitops.collector.gateway import gateway
from phoenix_gitops.collector.ports import OTLP_HTTP
from phoenix_gitops.collector.versions import VERSIONS
from phoenix_gitops.judges.otelcol import Running, local, running
from phoenix_gitops.rules import flow
from phoenix_gitops.rules.known import PROCESS_SERIES, prometheus_exports
from phoenix_gitops.rules.stages import escaped
from phoenix_gitops.scope import EnvironmentScope
from tests.proof.collectors import binary
from tests.proof.judge import Judge
from tests.proof.test_collector_interpreter import get
from tests.unit.collector.scopes import environment

pytestmark = pytest.mark.proof

SECONDS = 30
REDACTED = "http.request.header.cookie"
EXECUTABLES = ("my-critical-java", "java_app", "nginx", "bash")
"""One of each class."""
UNITS = {"process.memory.usage": "By", "process.threads": "{threads}", "process.open_file_descriptors": "{count}"}
SET_BY_US = {"job", "instance"}
"""What exporters say of the sender where it says what it is."""
NOT_HERE = {"k8s_node_name", "tenant_id"}
"""What the agent says of its node: here nobody does, and the gateway names the tenant itself."""


def processes(now: int) -> dict[str, object]:
    """One process of each class, with every attribute that can be read of one, and some that must not get out."""
    read = sorted(flow.PROCESS_ATTRIBUTES - {"process.executable.name"})
    found = []
    for pid, executable in enumerate(EXECUTABLES, start=1):
        attributes = {name: f"{name}-{pid}" for name in read}
        attributes |= {
            "process.executable.name": executable,
            "host.name": "node",
            REDACTED: "x",
            "container.id": "its own",
        }
        points = [{"timeUnixNano": str(now), "asDouble": pid, "attributes": pairs({REDACTED: "y"})}]
        metrics = [{"name": name, "unit": UNITS[name], "gauge": {"dataPoints": points}} for name in gauges()]
        found.append({"resource": {"attributes": pairs(attributes)}, "scopeMetrics": [{"metrics": metrics}]})
    return {"resourceMetrics": found}


def pairs(attributes: dict[str, str]) -> list[dict[str, object]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]


def gauges() -> list[str]:
    return sorted(name for name, process in flow.PROCESSES.items() if process.type == "gauge")


def send(collector: Running) -> None:
    url, headers = collector.url(OTLP_HTTP, "/v1/metrics"), {"Content-Type": "application/json"}
    body = json.dumps(processes(time.time_ns())).encode()
    urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=5)


def labels(text: str, name: str) -> set[str]:
    found = re.findall(rf"(?m)^{name}\{{(.*)\}} ", text)
    return {label for inside in found for label in re.findall(r'(\w+)="', inside)}


def expected(env: EnvironmentScope) -> dict[str, Catalogue]:
    """What each exporter shows by the compiler's word."""
    edge = flow.at_edge(env)
    return {
        pipeline.metadata.name: flow.at_export(pipeline, export, flow.at_gateway(env, pipeline, edge))
        for pipeline, _, export in prometheus_exports(env)
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_labels_reach_the_exporters_that_the_compiler_says(version: str, tmp_path: Path, judge: Judge) -> None:
    image = {"repository": "registry.example.com/otelcol", "tag": version}
    env = environment(platform={"catalog": {"collector": image}}, security={"redact": [REDACTED]})
    known = expected(env)
    ports = {pipeline.metadata.name: export.port for pipeline, _, export in prometheus_exports(env)}
    spaces = {pipeline.metadata.name: export.namespace for pipeline, _, export in prometheus_exports(env)}
    last = f"{spaces['observatory']}_process_threads"
    with running(binary(version), local(gateway(env)[0], tmp_path, batch_timeout="20ms")) as collector:
        deadline = time.monotonic() + SECONDS
        texts = dict.fromkeys(ports, "")
        while not all(f"{spaces[name]}_process_threads" in text for name, text in texts.items()):
            assert time.monotonic() < deadline, f"{last} is not shown"
            send(collector)
            texts = {name: get(collector.url(port, "/metrics")) for name, port in ports.items()}
    compared = lost = 0
    for pipeline, text in texts.items():
        for otel in gauges():
            metric = known[pipeline].get(f"{spaces[pipeline]}_{PROCESS_SERIES[otel]}")
            assert metric is not None
            seen = labels(text, metric.name)
            # The sender here says more than the node agents read: what they do not read is not lost by a pipeline.
            unread = {escaped(name) for name in flow.PROCESS_ATTRIBUTES} & {
                label for label, loss in metric.lost.items() if loss.stage == "source"
            }
            gone = metric.lost.keys() - unread
            assert seen & gone == set(), (pipeline, metric.name)
            assert metric.named - SET_BY_US - NOT_HERE - seen == set(), (pipeline, metric.name)
            assert metric.labels is None
            assert seen - metric.named - unread - NOT_HERE <= {"container_id"}, (pipeline, metric.name)
            compared, lost = compared + len(seen), lost + len(gone)
    judge.took("otelcol", compared, f"labels that reach exporters, {version}")
    judge.refused("otelcol", lost, f"labels that pipelines take away, {version}")
