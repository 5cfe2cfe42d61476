"""Requests of OTLP metrics in protobuf, read as far as golden data goes: sums and gauges of numbers.

Field numbers are those of opentelemetry/proto/metrics/v1/metrics.proto; what has another number is passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from phoenix_gitops.golden.subjects import Series

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_DELTA = 1
_GAUGE, _SUM = 5, 7
_AS_DOUBLE, _AS_INT, _POINT_ATTRIBUTES = 4, 6, 7

Field = tuple[int, int | bytes]


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a request."""

    series: Series
    value: float
    delta: bool
    """Whether it says by how much a counter grew."""


def points(body: bytes) -> Iterator[Point]:
    """All points of a request, in order."""
    for resource_metrics in _nested(body, 1):
        resource = next(_nested(resource_metrics, 1), b"")
        attributes = frozenset(_attributes(resource, 1))
        for scope_metrics in _nested(resource_metrics, 2):
            for metric in _nested(scope_metrics, 2):
                yield from _points(metric, attributes)


def _points(metric: bytes, resource: frozenset[tuple[str, str]]) -> Iterator[Point]:
    name = next(_nested(metric, 1)).decode()
    for kind in (_GAUGE, _SUM):
        for data in _nested(metric, kind):
            delta = kind == _SUM and any(field == (2, _DELTA) for field in _fields(data))
            for point in _nested(data, 1):
                series = Series(metric=name, resource=resource, points=frozenset(_attributes(point, _POINT_ATTRIBUTES)))
                yield Point(series, _value(point), delta)


def _value(point: bytes) -> float:
    for number, raw in _fields(point):
        if number == _AS_DOUBLE and isinstance(raw, int):
            return float(struct.unpack("<d", struct.pack("<Q", raw))[0])
        if number == _AS_INT and isinstance(raw, int):
            return float(_signed(raw))
    return 0.0


def _attributes(message: bytes, number: int) -> Iterator[tuple[str, str]]:
    for pair in _nested(message, number):
        value = next(_nested(pair, 2), b"")
        yield next(_nested(pair, 1)).decode(), _text(value)


def _text(value: bytes) -> str:
    for number, raw in _fields(value):
        if number == 1 and isinstance(raw, bytes):
            return raw.decode()
        if number == 3 and isinstance(raw, int):
            return str(_signed(raw))
    return ""


def _nested(message: bytes, number: int) -> Iterator[bytes]:
    return (raw for found, raw in _fields(message) if found == number and isinstance(raw, bytes))


def _fields(message: bytes) -> Iterator[Field]:
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind, size = tag & 7, 0
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield tag >> 3, value
            continue
        if kind == _LENGTH:
            size, at = _varint(message, at)
            yield tag >> 3, message[at : at + size]
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
            yield tag >> 3, int.from_bytes(message[at : at + size], "little")
        else:
            raise ValueError(f"wire type {kind} at byte {at}")
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value
