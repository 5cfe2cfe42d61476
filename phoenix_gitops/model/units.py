"""Values of the units that policies use: durations, quantities."""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil

_DURATION_PART = re.compile(r"([0-9]+)(ms|s|m|h|d|w|y)")
_MILLISECONDS = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}
_MULTIPLIERS = {
    "": Fraction(1),
    "m": Fraction(1, 1000),
    "k": Fraction(10**3),
    "K": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
}
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("m", "", "k", "M", "G", "T", "P", "E")
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|K|Ki|M|Mi|G|Gi|T|Ti)?")


def milliseconds(duration: str) -> int:
    """A duration such as `1h30m` in milliseconds; the text has passed the schema's pattern."""
    return sum(int(n) * _MILLISECONDS[unit] for n, unit in _DURATION_PART.findall(duration))


def seconds(duration: str) -> float:
    """A duration in seconds."""
    return milliseconds(duration) / 1000


def duration(total_ms: int) -> str:
    """The shortest Prometheus form of so many milliseconds in one unit or a few: 5400000 is `1h30m`."""
    if total_ms == 0:
        return "0s"
    parts = []
    for unit in ("w", "d", "h", "m", "s", "ms"):
        count, total_ms = divmod(total_ms, _MILLISECONDS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def go_duration(text: str) -> str:
    """A duration as Go reads it, which knows no unit above hours: `1d30m` is `24h30m`."""
    rest = milliseconds(text)
    parts = []
    for unit in ("h", "m", "s", "ms"):
        count, rest = divmod(rest, _MILLISECONDS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def amount(quantity: str) -> Fraction:
    """A quantity such as `512Mi` or `500m` as an exact number of its base unit (bytes, cores, pieces)."""
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        raise ValueError(f"not a quantity: {quantity!r}")
    return Fraction(match[1]) * _MULTIPLIERS[match[2] or ""]


def mebibytes(quantity: str) -> int:
    """A memory quantity in whole MiB, rounded down."""
    return int(amount(quantity) / 2**20)


def canonical(quantity: str) -> str:
    """The quantity as the API server writes it back: a whole number of the largest unit of its kind that holds it.

    `1000m` is `1`, `1.5Gi` is `1536Mi`, `0.0001` is `1m`. What is sent otherwise is not what is read.
    """
    number = amount(quantity)
    binary = quantity.endswith("i") and number >= 2**10 and number.denominator == 1
    step, units = (2**10, _BINARY) if binary else (1000, _DECIMAL)
    whole = int(number) if binary else ceil(number * 1000)
    unit = 0
    while whole and whole % step == 0 and unit < len(units) - 1:
        whole, unit = whole // step, unit + 1
    return f"{whole}{units[unit]}" if whole else "0"
