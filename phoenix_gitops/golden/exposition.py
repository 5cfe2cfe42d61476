"""Series as a Prometheus exporter of the collector shows them: names, labels and the text that is scraped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from phoenix_gitops.golden.metrics import Kind
from phoenix_gitops.golden.subjects import Series
from phoenix_gitops.model.export import PrometheusExport

_UNITS = {"s": "seconds", "By": "bytes"}
_ESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: (-?[0-9]+))?")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Shown:
    """A series as it is scraped."""

    name: str
    labels: frozenset[tuple[str, str]]

    def __str__(self) -> str:
        return f"{self.name}{{{', '.join(f'{name}={value}' for name, value in sorted(self.labels))}}}"


class TwiceError(ValueError):
    """One series stands twice in a scrape."""


def shown(series: Series, kind: Kind, unit: str, export: PrometheusExport, constant: Mapping[str, str]) -> Shown:
    """How an export shows a series; `constant` are labels that it adds."""
    parts = [export.namespace, _escaped(series.metric), *([_UNITS[unit]] if unit in _UNITS else [])]
    name = "_".join([*parts, *(["total"] if kind is Kind.COUNTER else [])])
    resource = dict(series.resource)
    labels = {_escaped(key): value for key, value in (*series.resource, *series.points)} | dict(constant)
    if "service.name" in resource:
        labels["job"] = "/".join(resource[key] for key in ("service.namespace", "service.name") if key in resource)
    if "service.instance.id" in resource:
        labels["instance"] = resource["service.instance.id"]
    return Shown(name, frozenset(labels.items()))


def parsed(text: str) -> dict[Shown, float]:
    """The samples of a scrape in the text format. Raises `TwiceError` if a series stands in it twice."""
    found: dict[Shown, float] = {}
    for line in text.splitlines():
        match = _SAMPLE.fullmatch(line)
        if line.startswith("#") or match is None:
            continue
        series = Shown(match[1], _labels(match[2] or ""))
        if series in found:
            raise TwiceError(f"{series} is shown twice")
        found[series] = float(match[3])
    return found


@lru_cache(maxsize=1 << 16)
def _labels(text: str) -> frozenset[tuple[str, str]]:
    """Labels as they are written; one series is scraped many times."""
    return frozenset((key, _unescaped(value)) for key, value in _LABEL.findall(text))


@lru_cache(maxsize=1 << 12)
def _escaped(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)


def _unescaped(value: str) -> str:
    return re.sub(r"\\.", lambda match: _ESCAPED.get(match[0], match[0]), value)
