"""Receivers as the inputs of an edge pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args, get_type_hints

from phoenix_gitops.importing.collectors.chain import as_duration, literal
from phoenix_gitops.importing.collectors.ledger import Ledger
from phoenix_gitops.importing.drafts import changed
from phoenix_gitops.importing.reading import Node
from phoenix_gitops.model.pipeline import HostMetrics

_ON: Final[Mapping[str, tuple[str, ...]]] = {
    "metrics": ("process.cpu.time", "process.disk.io", "process.memory.usage"),
    "resource_attributes": (
        *("process.command", "process.command_line", "process.executable.name", "process.executable.path"),
        *("process.owner", "process.parent_pid", "process.pid"),
    ),
}
"""What the process scraper reads unless it is told otherwise, as far as a Pipeline has words for it."""
_KUBELET: Final = ":10250"
_ASKED: Final = "__meta_kubernetes_pod_annotation_prometheus_io_scrape"


def inputs(ledger: Ledger, type_: str, title: str, node: Node) -> dict[str, Any]:
    """What a receiver is as inputs, by its newest name; nothing where no Pipeline has such an input."""
    if type_ == "host_metrics":
        return _host(ledger, title, node)
    if type_ == "otlp":
        return _otlp(ledger, title, node)
    return _prometheus(ledger, node) if type_ == "prometheus" else {}


def _host(ledger: Ledger, title: str, node: Node) -> dict[str, Any]:
    process = node.get("scrapers", "process")
    if process is None:
        return {}
    found: dict[str, Any] = {"interval": "1m"}
    if as_duration(node.text("collection_interval")):
        found["interval"] = node.text("collection_interval")
        ledger.carry(node.get("collection_interval"))
    if process.value in ({}, None):
        ledger.carry(process)
    for name, key in (("metrics", "processMetrics"), ("resource_attributes", "processAttributes")):
        found[key] = _switched(ledger, process, name, key)
    names = process.get("exclude", "names")
    if names is not None and process.text("exclude", "match_type") in {"regexp", "strict"}:
        strict = process.text("exclude", "match_type") == "strict"
        patterns = [literal(each.value) for each in process.items("exclude", "names") if isinstance(each.value, str)]
        if all(pattern is not None for pattern in patterns):
            words = [f"^{pattern}$" if strict else pattern for pattern in patterns]
            found["exclude"] = [{"name": "imported", "patterns": words}]
            ledger.carry(names, process.get("exclude", "match_type"))
    if node.get("root_path") is not None and node.text("root_path") != "/hostfs":
        ledger.change(
            node.entries()["root_path"], f"`root_path` of `{title}` is `/hostfs`: the agent mounts the host there"
        )
    return {"hostmetrics": found}


def _switched(ledger: Ledger, process: Node, name: str, key: str) -> list[str]:
    """What is read of each process."""
    known = _words("process_metrics" if name == "metrics" else "process_attributes")
    wanted = set(_ON[name])
    for each, switch in process.entries(name).items():
        on = switch.text("enabled")
        if on == "false" or (on == "true" and each in known):
            wanted = wanted - {each} if on == "false" else wanted | {each}
            ledger.carry(switch.get("enabled"))
    return [word for word in known if word in wanted]


def _words(field: str) -> tuple[str, ...]:
    """The values that the model lets a list have, in its order."""
    listed = get_args(get_type_hints(HostMetrics)[field])
    return tuple(get_args(listed[0]))


def _otlp(ledger: Ledger, title: str, node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for protocol, key in (("grpc", "grpcPort"), ("http", "httpPort")):
        server = node.get("protocols", protocol)
        if server is None:
            ledger.notes.append(changed(node.span, f"`{title}` takes OTLP over {protocol} as well"))
            continue
        port = node.text("protocols", protocol, "endpoint").rpartition(":")[2]
        if port.isdigit():
            found[key] = int(port)
            ledger.carry(node.get("protocols", protocol, "endpoint"))
        elif server.value in (None, {}):
            ledger.carry(server)
    return {"otlp": found}


def _prometheus(ledger: Ledger, node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for job in node.items("config", "scrape_configs"):
        what = _job(job)
        if what is None:
            name = job.text("job_name")
            help_ = "scrape it with another collector, or give its pods the annotation `prometheus.io/scrape`"
            ledger.leave(job, f"scrape job `{name}`", "an edge pipeline scrapes its own node only", help_)
            continue
        found[what] = True
        # How targets are found and labelled is ours; what is said of it besides is told.
        ledger.carry(job.get("job_name"), job.get("metrics_path"))
        ledger.carry(*(target for each in job.items("static_configs") for target in each.items("targets")))
        interval = job.get("scrape_interval") or node.get("config", "global", "scrape_interval")
        if interval is not None and isinstance(interval.value, str) and as_duration(interval.value):
            if found.setdefault("interval", interval.value) == interval.value:
                ledger.carry(interval)
            else:
                ledger.change(interval, f"all jobs are scraped every `{found['interval']}`")
    return {"prometheus": found} if found else {}


def _job(job: Node) -> str | None:
    """Which of a Pipeline's ways of scraping a job is."""
    targets = [t.value for each in job.items("static_configs") for t in each.items("targets")]
    if targets and all(isinstance(target, str) and target.endswith(_KUBELET) for target in targets):
        return {"": "kubelet", "/metrics": "kubelet", "/metrics/cadvisor": "cadvisor"}.get(job.text("metrics_path"))
    roles = [each.text("role") for each in job.items("kubernetes_sd_configs")]
    asked = any(
        rule.text("action") == "keep" and _ASKED in [label.value for label in rule.items("source_labels")]
        for rule in job.items("relabel_configs")
    )
    return "pods" if roles == ["pod"] and asked else None
