"""Scrape jobs of the node agent: its kubelet, cAdvisor, and the pods of its own node that ask for it."""

from __future__ import annotations

from phoenix_gitops.collector.values import Env, Section, Value, text
from phoenix_gitops.model.pipeline import PrometheusScrape

_NODE = Env("K8S_NODE_NAME")
_NODE_IP = Env("K8S_NODE_IP")
_KUBELET_PORT = 10250
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a path
_META = "__meta_kubernetes_pod"
_ANNOTATION = f"{_META}_annotation_prometheus_io"


def node_jobs(scrape: PrometheusScrape) -> list[Value]:
    """Jobs for the kubelet and for cAdvisor, as far as they are wanted."""
    jobs: list[Value] = []
    if scrape.kubelet:
        jobs.append(_kubelet("kubelet", "/metrics", scrape))
    if scrape.cadvisor:
        jobs.append(_kubelet("cadvisor", "/metrics/cadvisor", scrape))
    return jobs


def pods_job(scrape: PrometheusScrape) -> Section:
    """The job for pods of this node with the annotation `prometheus.io/scrape: "true"`."""
    return {
        "job_name": "pods",
        "scrape_interval": scrape.interval,
        # The API server sends only this node's pods, so its load does not grow with the square of nodes.
        "kubernetes_sd_configs": [
            {"role": "pod", "selectors": [{"role": "pod", "field": text("spec.nodeName=", _NODE)}]}
        ],
        "relabel_configs": [
            _rule(["scrape"], action="keep", regex="true"),
            {"source_labels": [f"{_META}_phase"], "action": "drop", "regex": "Pending|Succeeded|Failed"},
            _rule(["scheme"], action="replace", regex="(https?)", target_label="__scheme__"),
            _rule(["path"], action="replace", regex="(.+)", target_label="__metrics_path__"),
            _address("([0-9.]+);([0-9]+)", "$1:$2"),
            _address("([0-9a-fA-F:]+:[0-9a-fA-F:]*);([0-9]+)", "[$1]:$2"),
            {"source_labels": [f"{_META}_name"], "action": "replace", "target_label": "pod"},
            {"source_labels": ["__meta_kubernetes_namespace"], "action": "replace", "target_label": "namespace"},
        ],
        # Labels of target_info become resource attributes: a pod could claim to be another one.
        "metric_relabel_configs": [{"source_labels": ["__name__"], "action": "drop", "regex": "target_info"}],
    }


def _kubelet(job: str, path: str, scrape: PrometheusScrape) -> Section:
    return {
        "job_name": job,
        "scrape_interval": scrape.interval,
        "scheme": "https",
        "metrics_path": path,
        "authorization": {"credentials_file": _TOKEN},
        # A kubelet signs its own certificate unless told otherwise; the connection does not leave the node.
        "tls_config": {"insecure_skip_verify": True},
        "static_configs": [{"targets": [text(_NODE_IP, f":{_KUBELET_PORT}")], "labels": {"node": _NODE}}],
    }


def _rule(annotations: list[str], **fields: Value) -> Section:
    return {"source_labels": [f"{_ANNOTATION}_{name}" for name in annotations], **fields}


def _address(regex: str, replacement: str) -> Section:
    return {
        "source_labels": [f"{_META}_ip", f"{_ANNOTATION}_port"],
        "action": "replace",
        "regex": regex,
        "replacement": replacement,
        "target_label": "__address__",
    }
