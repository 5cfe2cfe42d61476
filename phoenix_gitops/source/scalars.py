"""What a plain scalar means: YAML 1.2 core schema, less what a YAML 1.1 reader takes otherwise.

People, linters and other tools read policies with 1.1 eyes: `no` is false, `012` is ten, `1:20` is eighty.
Such a scalar is refused with both ways to write what was meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Refusal:
    """A scalar that no policy may hold: the diagnostic's code and texts."""

    code: str
    message: str
    label: str = ""
    help: str = ""


Scalar: TypeAlias = str | int | float | bool | None

_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_OLD_TRUE: Final = frozenset(["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"])
_OLD_FALSE: Final = frozenset(["n", "N", "no", "No", "NO", "off", "Off", "OFF"])
_NUMBER_START: Final = frozenset("0123456789+-.")

# The numbers that 1.1 and 1.2 readers agree on ...
_INT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_HEX: Final = re.compile(r"0x[0-9a-fA-F]+")
_OCTAL: Final = re.compile(r"0o[0-7]+")
_FLOAT: Final = re.compile(r"(?:[-+]?[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?")
_NON_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
# ... and those that only one of them takes as a number.
_LEADING_ZERO: Final = re.compile(r"(?P<sign>[-+]?)0+(?P<digits>[0-9]+)")
_GROUPED: Final = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?")
_OLD_RADIX: Final = re.compile(r"[-+]?0(?:b[01_]+|x[0-9a-fA-F_]+)")
_SEXAGESIMAL: Final = re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*")
_EXPONENT: Final = re.compile(
    r"(?=[-+]?\.?[0-9])(?P<sign>[-+]?)(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?"
    r"[eE](?P<turn>[-+]?)(?P<power>[0-9]+)"
)
_SIGNED_POINT: Final = re.compile(r"(?P<sign>[-+])(?P<part>\.[0-9]+)")

_MIN_INT: Final = -(2**63)
_MAX_INT: Final = 2**63 - 1
_MAX_INT_DIGITS: Final = 24
"""More digits are beyond 64 bit in every base, and Python refuses to convert very many."""


@lru_cache(maxsize=8192)
def resolve(text: str) -> Scalar | Refusal:
    """The value of a plain scalar, or why it is refused."""
    if text in _WORDS:
        return _WORDS[text]
    if text in _OLD_TRUE or text in _OLD_FALSE:
        return _ambiguous(text, "text here, a boolean in YAML 1.1", "true" if text in _OLD_TRUE else "false")
    if text[0] in _NUMBER_START:
        return _number(text)
    if text in {"=", "<<"}:
        return _ambiguous(text, "text here, an operator in YAML 1.1")
    return text


def _number(text: str) -> Scalar | Refusal:
    if _INT.fullmatch(text):
        return _integer(text, 10)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if number - number == 0 else _non_finite(text)
    if _HEX.fullmatch(text):
        return _integer(text, 16)
    if _OCTAL.fullmatch(text):
        return _integer(text, 8)
    if _NON_FINITE.fullmatch(text):
        return _non_finite(text)
    return _old_number(text)


def _integer(text: str, base: int) -> int | Refusal:
    number = int(text, base) if len(text) <= _MAX_INT_DIGITS else _MAX_INT + 1
    if _MIN_INT <= number <= _MAX_INT:
        return number
    return Refusal(
        "PHX119",
        f"integer `{_shortened(text)}` does not fit into 64 bit",
        help="write a smaller number; if it is an identifier, quote it",
    )


def _non_finite(text: str) -> Refusal:
    return Refusal("PHX118", f"number `{_shortened(text)}` is not finite", help="write a finite number")


def _old_number(text: str) -> str | Refusal:
    """Text that is a number to one of the two kinds of readers only, or just text (`10.0.0.1`, `-`)."""
    if match := _LEADING_ZERO.fullmatch(text):
        return _leading_zero(text, match)
    if _SEXAGESIMAL.fullmatch(text):
        return _ambiguous(text, "text here, a number in base 60 in YAML 1.1")
    if match := _EXPONENT.fullmatch(text):
        number = f"{match['whole'] or '0'}.{match['part'] or '0'}e{match['turn'] or '+'}{match['power']}"
        return _ambiguous(text, "a number here, text in YAML 1.1", match["sign"] + number)
    if match := _SIGNED_POINT.fullmatch(text):
        return _ambiguous(text, "a number here, text to some readers", f"{match['sign']}0{match['part']}")
    if _GROUPED.fullmatch(text):
        return _ambiguous(text, "text here, a number in YAML 1.1", text.replace("_", ""))
    if _OLD_RADIX.fullmatch(text):
        return _ambiguous(text, "text here, a number in YAML 1.1")
    return text


def _leading_zero(text: str, match: re.Match[str]) -> Refusal:
    sign, digits = match["sign"], match["digits"]
    if not set(digits) <= set("01234567"):
        return _ambiguous(text, "a number here, text in YAML 1.1", sign + digits)
    octal = () if sign else (f"0o{digits}",)
    return _ambiguous(text, "decimal here, octal in YAML 1.1", sign + digits, *octal)


def _ambiguous(text: str, label: str, *meant: str) -> Refusal:
    text = _shortened(text)
    instead = "".join(f"write `{_shortened(word)}`, or " for word in meant)
    return Refusal("PHX117", f"plain `{text}` is read in two ways", label, f'{instead}quote it: `"{text}"`')


def _shortened(text: str, limit: int = 40) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
