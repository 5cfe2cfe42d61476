"""Prometheus remote write 1.0: series as one request's body.

The few fields are written by hand, so that markers of staleness arrive in both stores as the same bits; a body is one
literal to snappy.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Iterator

from tests.proof.replay.series import START, Series

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
STALE = struct.pack("<Q", 0x7FF0000000000002)
"""The NaN that says that a series has ended."""

_DOUBLE = struct.Struct("<d").pack
_BATCH = 4_000_000
"""Bytes of a body at which a new one begins."""


def bodies(series: Iterable[Series]) -> Iterator[bytes]:
    """The bodies of requests that write all of these."""
    held: list[bytes] = []
    size = 0
    for one in series:
        held.append(_field(1, _series(one)))
        size += len(held[-1])
        if size > _BATCH:
            yield _snappy(b"".join(held))
            held, size = [], 0
    if held:
        yield _snappy(b"".join(held))


def _series(series: Series) -> bytes:
    labels = [
        _field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in sorted(series.labels.items())
    ]
    return b"".join([*labels, *(_sample(at, value) for at, value in series.samples)])


def _sample(at: int, value: float | None) -> bytes:
    return b"\x12\x10\x09" + (STALE if value is None else _DOUBLE(value)) + _time(at)


@functools.cache
def _time(at: int) -> bytes:
    """The time of a sample, in milliseconds since 1970: seven bytes with its tag until the year 2109."""
    return b"\x10" + _varint((START + at) * 1000)


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _snappy(content: bytes) -> bytes:
    return _varint(len(content)) + b"\xfc" + struct.pack("<I", len(content) - 1) + content
