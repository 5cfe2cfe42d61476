"""Who listens where in a collector's pod: no two on one port, and a health check where the probes ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phoenix_gitops.collector.findings import Finding, join

Config = Mapping[str, Any]


def listening(config: Config) -> Iterator[tuple[str, int]]:
    """Path and port of every listener of a config: receivers, extensions, scrape endpoints, own telemetry."""
    for name, settings in (config.get("receivers") or {}).items():
        for protocol, server in ((settings or {}).get("protocols") or {}).items():
            yield from _endpoint(join("receivers", name, "protocols", protocol), server or {})
    for name, settings in (config.get("exporters") or {}).items():
        if name.partition("/")[0] == "prometheus":
            yield from _endpoint(join("exporters", name), settings)
    for name, settings in (config.get("extensions") or {}).items():
        yield from _endpoint(join("extensions", name), settings or {})
    metrics = config.get("service", {}).get("telemetry", {}).get("metrics", {})
    for index, reader in enumerate(metrics.get("readers", [])):
        server = reader.get("pull", {}).get("exporter", {}).get("prometheus", {})
        if "port" in server:
            yield join("service.telemetry.metrics.readers", index), int(server["port"])


def check_listeners(config: Config, probe_port: int | None) -> list[Finding]:
    """The faults of ports: claimed twice, or asked by a probe while nothing answers."""
    findings = []
    holders: dict[int, str] = {}
    for path, port in listening(config):
        holder = holders.setdefault(port, path)
        if holder != path:
            findings.append(Finding("PHX640", path, f"port `{port}` is taken by `{holder}`"))
    enabled = set(config.get("service", {}).get("extensions", []))
    health = [
        port
        for name, settings in (config.get("extensions") or {}).items()
        if name in enabled and name.partition("/")[0] == "health_check"
        for _, port in _endpoint("", settings or {})
    ]
    if probe_port is not None and probe_port not in health:
        message = f"probes ask port `{probe_port}`, where no `health_check` extension listens"
        findings.append(Finding("PHX641", "service.extensions", message))
    return findings


def _endpoint(path: str, server: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    port = str(server.get("endpoint", "")).rpartition(":")[2]
    if port.isdecimal():
        yield path, int(port)
