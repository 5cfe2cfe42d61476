"""One reading of what sends, as a request of OTLP over HTTP in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from phoenix_gitops.golden.metrics import Kind, Metric, Points
from phoenix_gitops.golden.subjects import Subject

_CUMULATIVE = 2


def request(subjects: Iterable[Subject], reading: int, time: int, start: int) -> bytes:
    """The body of a request: reading number `reading`, at `time` in ns since 1970, of what began at `start`.

    Each process begins and is read a moment after the last.
    """
    resources = [
        _resource(subject, reading, time + index, start + index)
        for index, subject in enumerate(subjects)
        if reading in subject.seen(reading + 1)
    ]
    return json.dumps({"resourceMetrics": resources}).encode()


def _resource(subject: Subject, reading: int, time: int, start: int) -> dict[str, Any]:
    points: dict[Metric, list[tuple[Points, float]]] = {}
    for (metric, point), values in subject.values.items():
        points.setdefault(metric, []).append((point, values[reading]))
    metrics = [_metric(metric, found, time, start) for metric, found in points.items()]
    return {"resource": {"attributes": _pairs(subject.attributes)}, "scopeMetrics": [{"metrics": metrics}]}


def _metric(metric: Metric, points: list[tuple[Points, float]], time: int, start: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "dataPoints": [
            {
                "attributes": _pairs(dict(point)),
                "timeUnixNano": str(time),
                "startTimeUnixNano": str(start),
                "asDouble": value,
            }
            for point, value in points
        ]
    }
    if metric.kind is Kind.GAUGE:
        return {"name": metric.name, "unit": metric.unit, "gauge": body}
    body |= {"aggregationTemporality": _CUMULATIVE, "isMonotonic": metric.kind is Kind.COUNTER}
    return {"name": metric.name, "unit": metric.unit, "sum": body}


def _pairs(attributes: Mapping[str, str | int]) -> list[dict[str, Any]]:
    """Whole numbers stay numbers, as process ids are."""
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in attributes.items()
    ]
