"""From a PodMonitor to the scrape config that an operator makes of it.

After prometheus-operator's `generatePodMonitorConfig` (`pkg/prometheus/promcfg.go`) and the VictoriaMetrics operator's
conversion of the same object, as far as our objects go: more than they say is refused, not passed over.
"""

from __future__ import annotations

import re
from typing import Any

from tests.proof.world.places import INTERVAL, Object

_SPEC = {"podMetricsEndpoints", "selector", "namespaceSelector"}
_ENDPOINT = {"port", "interval", "honorLabels", "relabelings"}
_RELABELING = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
_SAME = {"action", "replacement", "regex", "separator", "modulus"}


def scrape_configs(monitor: Object, discovery: Object) -> list[Object]:
    """One scrape config an endpoint; `discovery` is how the API server is reached. Intervals are the world's."""
    spec = monitor["spec"]
    _only(spec, _SPEC)
    namespace, name = monitor["metadata"]["namespace"], monitor["metadata"]["name"]
    own = {} if spec.get("namespaceSelector") == {"any": True} else {"namespaces": {"names": [namespace]}}
    return [
        {
            "job_name": f"podMonitor/{namespace}/{name}/{i}",
            "honor_labels": endpoint.get("honorLabels", False),
            "honor_timestamps": True,
            "scrape_interval": INTERVAL,
            "scrape_timeout": INTERVAL,
            "kubernetes_sd_configs": [{"role": "pod", **own, **discovery}],
            "relabel_configs": list(_relabelings(f"{namespace}/{name}", spec["selector"]["matchLabels"], endpoint)),
        }
        for i, endpoint in enumerate(spec["podMetricsEndpoints"])
    ]


def _relabelings(job: str, labels: dict[str, str], endpoint: Object) -> Any:
    _only(endpoint, _ENDPOINT)
    yield {"source_labels": ["__meta_kubernetes_pod_phase"], "regex": "(Failed|Succeeded)", "action": "drop"}
    for key, value in sorted(labels.items()):
        label = "__meta_kubernetes_pod_label_" + re.sub(r"[^A-Za-z0-9]", "_", key)
        yield {"source_labels": [label], "regex": re.escape(value), "action": "keep"}
    port = endpoint["port"]
    yield {"source_labels": ["__meta_kubernetes_pod_container_port_name"], "regex": port, "action": "keep"}
    for source in ("namespace", "pod_container_name", "pod_name"):
        target = source.removesuffix("_name").removeprefix("pod_") if source != "pod_name" else "pod"
        yield {"source_labels": [f"__meta_kubernetes_{source}"], "target_label": target}
    yield {"target_label": "job", "replacement": job}
    yield {"target_label": "endpoint", "replacement": port}
    for relabeling in endpoint.get("relabelings", ()):
        _only(relabeling, _SAME | set(_RELABELING))
        yield {_RELABELING.get(key, key): value for key, value in relabeling.items()}


def _only(given: Object, known: set[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise NotImplementedError(f"a PodMonitor's {unknown}")
