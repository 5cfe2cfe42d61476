"""Tables of what well-known components emit: names, types, units and labels, read from their sources and servers.

A table is text: a line that says type, unit (`-` for none) and labels, and below it, indented, the metrics that this
holds for; a line that begins with `+` goes on. A label may name all its values (`a=x|y`); `*` stands for labels that
users of the component choose.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from phoenix_gitops.catalogue.metric import Metric, series

TABLES: Final = {
    "argo-cd": "argo_cd",
    "cadvisor": "cadvisor",
    "kafka-exporter": "kafka_exporter",
    "kube-state-metrics": "kube_state_workloads kube_state_objects",
    "kubelet": "kubelet",
    "node-exporter": "node_exporter node_exporter_disks node_exporter_links node_exporter_memory",
    "opencost": "opencost",
    "prometheus": "prometheus",
    "victoria-metrics": "victoria_metrics",
    "vmagent": "vmagent",
    "vmalert": "vmalert",
}
"""Names of tables as policies write them, with their modules."""

_TYPES: Final = {
    "c": "counter",
    "g": "gauge",
    "h": "histogram",
    "s": "summary",
    "u": "unknown",
}


def table(name: str) -> Iterator[Metric]:
    """The metrics of a table as their emitter shows them, as the series that they consist of. Their interval is 0."""
    text = "".join(importlib.import_module(f"{__name__}.{module}").TABLE for module in TABLES[name].split())
    like = None
    for line in text.replace("\n+", "").splitlines():
        if not line:
            continue
        if not line.startswith(" "):
            like = _metric(line.split(), name)
            continue
        if like is None:
            raise ValueError(f"table {name} begins with metrics")
        for metric in line.split():
            yield from series(replace(like, name=metric))


def _metric(words: list[str], source: str) -> Metric:
    type_, unit, *labels = words
    parted = [label.partition("=") for label in labels if label != "*"]
    known = frozenset(label for label, _, _ in parted)
    is_open = "*" in labels
    return Metric(
        name="",
        type=_TYPES[type_],
        unit="" if unit == "-" else unit,
        labels=None if is_open else known,
        named=known if is_open else frozenset(),
        values={label: frozenset(values.split("|")) for label, equals, values in parted if equals},
        interval_ms=0,
        source=source,
    )
