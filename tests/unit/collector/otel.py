"""A small collector of our own: runs a pipeline's processors on plain data, as the real one is documented to.

It knows just the statements that we emit, and fails on anything else. Its sums may fall: what counters do over time
is shown by the real collector alone.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(r'\s*(?:("(?:\\.|[^"\\])*")|([A-Za-z_][\w.]*)|(\d+)|(==|!=|<|[()\[\],=-]))')
SUM, GAUGE, SUMMARY = "METRIC_DATA_TYPE_SUM", "METRIC_DATA_TYPE_GAUGE", "METRIC_DATA_TYPE_SUMMARY"


@dataclass
class Point:
    value: float
    attributes: dict[str, Any] = field(default_factory=dict)
    time: int = 0


@dataclass
class Metric:
    name: str
    points: list[Point]
    type: str = SUM


@dataclass
class Resource:
    attributes: dict[str, Any]
    metrics: list[Metric]


@dataclass
class Scope:
    resource: Resource
    metric: Metric | None = None
    point: Point | None = None


def tokens(text: str) -> list[str]:
    found, at = [], 0
    while at < len(text.rstrip()):
        match = TOKEN.match(text, at)
        assert match, f"cannot read {text[at:]!r}"
        found.append(match[0].strip())
        at = match.end()
    return found


class Reader:
    """Recursive descent; each method gives a function of the scope."""

    def __init__(self, text: str) -> None:
        self.tokens = tokens(text)
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        assert token, self.tokens
        assert wanted in ("", token), (wanted, token, self.tokens)
        self.at += 1
        return token

    def condition(self) -> Callable[[Scope], Any]:
        parts = [self.conjunction()]
        while self.peek() == "or":
            self.take()
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else lambda s: any(part(s) for part in parts)

    def conjunction(self) -> Callable[[Scope], Any]:
        parts = [self.negation()]
        while self.peek() == "and":
            self.take()
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else lambda s: all(part(s) for part in parts)

    def negation(self) -> Callable[[Scope], Any]:
        if self.peek() == "not":
            self.take()
            inner = self.negation()
            return lambda s: not inner(s)
        return self.comparison()

    def difference(self) -> Callable[[Scope], Any]:
        left = self.value()
        if self.peek() != "-":
            return left
        self.take()
        right = self.value()
        return lambda s: left(s) - right(s)

    def comparison(self) -> Callable[[Scope], Any]:
        left = self.value()
        if self.peek() not in ("==", "!=", "<"):
            return left
        operator, right = self.take(), self.value()
        if operator == "<":
            return lambda s: left(s) < right(s)
        return lambda s: (left(s) == right(s)) is (operator == "==")

    def value(self) -> Callable[[Scope], Any]:
        token = self.take()
        if token == "(":
            inner = self.condition()
            self.take(")")
            return inner
        if token == "[":
            items = self.items("]")
            return lambda s: [item(s) for _, item in items]
        if token.startswith('"'):
            text = re.sub(r"\\(.)", r"\1", token[1:-1])
            return lambda s: text
        if token.isdigit():
            return lambda s: int(token)
        if token in ("nil", "true", "false"):
            constant = {"nil": None, "true": True, "false": False}[token]
            return lambda s: constant
        if token.startswith(("METRIC_DATA_TYPE_", "AGGREGATION_TEMPORALITY_")):
            return lambda s: token
        if self.peek() == "(":
            self.take()
            arguments = self.items(")")
            return lambda s: call(token, arguments, s)
        return self.path(token)

    def path(self, token: str) -> Callable[[Scope], Any]:
        if self.peek() == "[":
            self.take()
            key = self.value()
            self.take("]")
            return lambda s: attributes(token, s).get(key(s))
        if token.endswith(".attributes"):
            return lambda s: attributes(token, s)
        return {
            "metric.name": lambda s: s.metric.name,
            "metric.type": lambda s: s.metric.type,
            "metric.is_monotonic": lambda s: False,
            "metric.aggregation_temporality": lambda s: "AGGREGATION_TEMPORALITY_CUMULATIVE",
            "datapoint.time_unix_nano": lambda s: s.point.time,
            "datapoint.start_time_unix_nano": lambda s: 0,
            "datapoint.value_int": lambda s: s.point.value,
        }[token]

    def items(self, end: str) -> list[tuple[str, Callable[[Scope], Any]]]:
        found = []
        while self.peek() != end:
            name = ""
            if self.tokens[self.at + 1 : self.at + 2] == ["="]:
                name = self.take()
                self.take("=")
            found.append((name, self.difference()))
            if self.peek() == ",":
                self.take()
        self.take(end)
        return found


def attributes(path: str, scope: Scope) -> dict[str, Any]:
    holder = {"resource.attributes": scope.resource, "datapoint.attributes": scope.point}[path]
    assert holder is not None, f"{path} outside of its context"
    return holder.attributes


def call(name: str, arguments: list[tuple[str, Callable[[Scope], Any]]], scope: Scope) -> Any:
    values = [argument(scope) for _, argument in arguments]
    if name == "IsMatch":
        return values[0] is not None and re.search(values[1], values[0]) is not None
    if name == "Concat":
        return values[1].join(str(value) for value in values[0])
    if name == "delete_key":
        return values[0].pop(values[1], None)
    if name == "keep_keys":
        return [values[0].pop(key) for key in list(values[0]) if key not in values[1]]
    if name == "delete_matching_keys":
        return [values[0].pop(key) for key in list(values[0]) if re.search(values[1], key)]
    assert scope.metric is not None, f"{name} outside of its context"
    if name == "replace_pattern":
        assert not re.search(values[1], values[0]), f"{values[0]} was marked"
        return None
    if name == "copy_metric":
        assert arguments[0][0] == "name"
        made = Metric(values[0], copy.deepcopy(scope.metric.points), scope.metric.type)
        return scope.resource.metrics.append(made)
    if name == "convert_sum_to_gauge":
        scope.metric.type = GAUGE
        return None
    assert name == "aggregate_on_attributes", name
    return aggregate(scope.metric, *values)


def aggregate(metric: Metric, function: str, keys: list[str] | None = None) -> None:
    assert metric.type != SUMMARY
    groups: dict[tuple[Any, ...], list[Point]] = {}
    for point in metric.points:
        kept = {k: v for k, v in point.attributes.items() if keys is None or k in keys}
        groups.setdefault((tuple(sorted(kept.items())), point.time), []).append(Point(point.value, kept, point.time))
    combine = {"sum": sum, "max": max, "mean": lambda values: sum(values) / len(values)}[function]
    metric.points = [
        Point(combine([p.value for p in points]), points[0].attributes, points[0].time) for points in groups.values()
    ]


def run(statement: str, scope: Scope) -> None:
    reader = Reader(statement)
    name = reader.take()
    reader.take("(")
    target = reader.at
    arguments = reader.items(")")
    condition = (lambda s: True) if not reader.peek() else (reader.take("where"), reader.condition())[1]
    assert not reader.peek(), statement
    if not condition(scope):
        return
    if name != "set":
        call(name, arguments, scope)
        return
    path, value = reader.tokens[target], arguments[1][1](scope)
    if path in ("datapoint.value_int", "datapoint.time_unix_nano"):
        assert scope.point is not None
        setattr(scope.point, "value" if path.endswith("int") else "time", value)
    elif value is not None:
        key = Reader(" ".join(reader.tokens[target + 2 : target + 3])).value()(scope)
        attributes(path, scope)[key] = value


def scopes(resource: Resource, context: str) -> list[Scope]:
    if context == "resource":
        return [Scope(resource)]
    if context == "metric":
        return [Scope(resource, metric) for metric in list(resource.metrics)]
    return [Scope(resource, metric, point) for metric in resource.metrics for point in metric.points]


def process(kind: str, settings: Mapping[str, Any], data: list[Resource]) -> list[Resource]:
    if kind == "transform":
        for group in settings["metric_statements"]:
            for resource in data:
                for scope in scopes(resource, group["context"]):
                    for statement in group["statements"]:
                        run(statement.replace("$$", "$"), scope)
    elif kind == "resource":
        for resource in data:
            for action in settings["attributes"]:
                assert action["action"] in ("upsert", "insert", "delete")
                if action["action"] == "delete":
                    resource.attributes.pop(action["key"], None)
                elif action["action"] == "upsert" or action["key"] not in resource.attributes:
                    resource.attributes[action["key"]] = action["value"]
    elif kind == "groupbyattrs":
        assert settings == {"keys": []}
        return compacted(data)
    elif kind == "filter":
        return filtered([c.replace("$$", "$") for c in settings["metric_conditions"]], data)
    else:
        assert kind in ("memory_limiter", "batch", "cumulative_to_delta", "delta_to_cumulative"), kind
    return data


def compacted(data: list[Resource]) -> list[Resource]:
    found: dict[tuple[Any, ...], Resource] = {}
    for resource in data:
        target = found.setdefault(tuple(sorted(resource.attributes.items())), Resource(resource.attributes, []))
        for metric in resource.metrics:
            same = [m for m in target.metrics if (m.name, m.type) == (metric.name, metric.type)]
            if same:
                same[0].points += metric.points
            else:
                target.metrics.append(metric)
    return list(found.values())


def filtered(conditions: list[str], data: list[Resource]) -> list[Resource]:
    """What matches any condition goes."""
    kept = []
    for resource in data:
        metrics = [
            m for m in resource.metrics if not any(Reader(c).condition()(Scope(resource, m)) for c in conditions)
        ]
        if metrics:
            kept.append(Resource(resource.attributes, metrics))
    return kept


def through(config: Mapping[str, Any], pipeline: str, data: list[Resource]) -> list[Resource]:
    """What comes out of a pipeline's processors."""
    data = copy.deepcopy(data)
    for name in config["service"]["pipelines"][f"metrics/{pipeline}"]["processors"]:
        data = process(name.partition("/")[0], config["processors"][name], data)
    return data


def values(data: list[Resource], metric: str) -> dict[str, float]:
    """The sum of a metric's points by executable name; the same series twice is a fault."""
    found: dict[str, float] = {}
    seen = set()
    for resource in data:
        for one in resource.metrics:
            if one.name != metric:
                continue
            for point in one.points:
                series = (tuple(sorted(resource.attributes.items())), tuple(sorted(point.attributes.items())))
                assert series not in seen, f"two points of one series: {series}"
                seen.add(series)
                name = resource.attributes.get("process.executable.name", "")
                found[name] = found.get(name, 0) + point.value
    return found
