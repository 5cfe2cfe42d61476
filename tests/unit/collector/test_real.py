"""The real collector, where there is one: it accepts each config, boots, and does what the interpreter says.

`PHOENIX_OTELCOL` names a binary with the components of the table.
"""

from __future__ import annotations

import copy
import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from phoenix_gitops.collector.agent import agent
from phoenix_gitops.collector.gateway import gateway
from phoenix_gitops.collector.relay import tenant_gateway
from phoenix_gitops.model.environment import Gateway
from phoenix_gitops.yamlout import dump
from tests.unit.collector.otel import GAUGE, Resource, through, values
from tests.unit.collector.scopes import environment
from tests.unit.collector.test_chain import DATA

BINARY = os.environ.get("PHOENIX_OTELCOL", "")
pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(not BINARY, reason="PHOENIX_OTELCOL names no collector binary"),
]
OWN = (
    r'otelcol_exporter_sent_metric_points_total{.*exporter="prometheus/full_prometheus"',
    r'otelcol_processor_internal_duration_seconds_bucket{.*processor="filter/optimized".*le="0.05"',
    r'otelcol_processor_memory_limiter_accepted_metric_points_total{.*processor="memory_limiter/intake_all"',
    r'otelcol_receiver_accepted_metric_points_total{.*receiver="otlp/workloads"',
    "otelcol_process_memory_rss_bytes",
)
"""Series of the collector itself that rules read, with the names and labels that they count on."""
NAMES = ("full", "optimized", "experimental", "observatory")


def variables(config: dict[str, Any]) -> dict[str, str]:
    """A value for each variable that a config reads; addresses where it wants one."""
    read = set(re.findall(r"\$\{env:(\w+)\}", dump(config))) | {"K8S_NODE_NAME"}
    # No API server answers there, and none is needed: no pod is known then.
    return dict.fromkeys(read, "127.0.0.1") | {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"}


def here(config: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """The config on this machine: free ports, no cluster, quick batches."""
    config = copy.deepcopy(config)
    token = tmp_path / "token"
    token.write_text("x", encoding="utf-8")
    for name, settings in config["processors"].items():
        if name.startswith("k8s_attributes/"):
            settings["auth_type"] = "none"
        if name.startswith("batch/"):
            settings["timeout"] = "100ms"
    for receiver in config["receivers"].values():
        if "root_path" in receiver:
            receiver["root_path"] = "/"
        for job in receiver.get("config", {}).get("scrape_configs", []):
            if "authorization" in job:
                job["authorization"]["credentials_file"] = str(token)
    return config


def rebound(config: dict[str, Any], ports: dict[int, int]) -> dict[str, Any]:
    text = re.sub(r"0\.0\.0\.0:(\d+)", lambda m: f"127.0.0.1:{ports[int(m[1])]}", json.dumps(config))
    changed: dict[str, Any] = json.loads(text)
    (reader,) = changed["service"]["telemetry"]["metrics"]["readers"]
    reader["pull"]["exporter"]["prometheus"] |= {"host": "127.0.0.1", "port": ports[8887]}
    return changed


def free_ports(config: dict[str, Any]) -> dict[int, int]:
    wanted = {int(port) for port in re.findall(r"0\.0\.0\.0:(\d+)", json.dumps(config))} | {8887}
    held = [socket.create_server(("127.0.0.1", 0)) for _ in wanted]
    ports = {port: server.getsockname()[1] for port, server in zip(sorted(wanted), held, strict=True)}
    for server in held:
        server.close()
    return ports


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=2) as answer:
        return str(answer.read().decode())


def until(what: Any, seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = what()
        except (urllib.error.URLError, OSError):
            found = None
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


@contextmanager
def running(config: dict[str, Any], tmp_path: Path) -> Iterator[dict[int, int]]:
    ports = free_ports(config)
    file = tmp_path / "config.yaml"
    file.write_text(dump(rebound(config, ports)), encoding="utf-8")
    log = tmp_path / "log"
    with log.open("w", encoding="utf-8") as sink:
        process = subprocess.Popen(
            [BINARY, "--config", str(file)], stdout=sink, stderr=sink, env={**os.environ, **variables(config)}
        )
        try:
            assert until(lambda: get(f"http://127.0.0.1:{ports[13133]}/")), log.read_text(encoding="utf-8")[-2000:]
            yield ports
        finally:
            process.terminate()
            process.wait(timeout=20)


def configs() -> dict[str, dict[str, Any]]:
    env = environment(spec={"exports": ["newrelic"]})
    return {
        "agent": agent(env)[0],
        "gateway": gateway(env)[0],
        "tenant": tenant_gateway(env, "checkout", Gateway())[0],
    }


@pytest.mark.parametrize("name", ["agent", "gateway", "tenant"])
def test_the_collector_boots_from_what_we_emit(name: str, tmp_path: Path):
    config = here(configs()[name], tmp_path)
    with running(config, tmp_path) as ports:
        own = until(lambda: get(f"http://127.0.0.1:{ports[8887]}/metrics"))
    assert "otelcol_process_uptime_seconds_total" in own


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


def test_the_collector_and_the_interpreter_agree(tmp_path: Path):
    # Without a cluster nobody's pod is known: the tenant is the same on both sides.
    data = [Resource({**r.attributes, "tenant.id": "unassigned"}, r.metrics) for r in DATA]
    config, _ = gateway(environment())
    with running(here(config, tmp_path), tmp_path) as ports:
        body = json.dumps(otlp(data)).encode()
        url = f"http://127.0.0.1:{ports[4318]}/v1/metrics"
        urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=5)
        for name, port in zip(NAMES, (8888, 8889, 8890, 8891), strict=True):
            text = until(lambda port=port: get(f"http://127.0.0.1:{ports[port]}/metrics"))
            expected = through(config, name, data)
            for metric in ("process.cpu.time", "process.memory.usage", "process.load", "rollup.process.count"):
                wanted = values(expected, metric)
                found = shown(text, metric.replace(".", "_"))
                assert found == pytest.approx(wanted), (name, metric)
        own = get(f"http://127.0.0.1:{ports[8887]}/metrics")
    for series in OWN:
        assert re.search(rf"(?m)^{series}", own), series
