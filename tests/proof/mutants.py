"""Mutants of rules: small changes of one rule, each of which must turn one of its generated tests red."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from phoenix_gitops.model.units import duration, milliseconds

_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*")|(?P<comment>\#[^\n]*)|(?P<range>\[[0-9a-z:]+\])|offset\s+(?P<offset>[0-9a-z]+)
    |(?P<labels>\b(?:by|on|ignoring|group_left|without)\s*\([^)]*\))|(?P<matchers>\{[^{}]*\})
    |(?P<compare>==|!=|>=|<=|>|<)|(?P<aggregate>\b(?:sum|avg|min|max|count)\b(?=\s*(?:by|\()))
    |(?P<arithmetic>(?<=\s)[-+*/](?=\s))
    |(?P<number>(?<![A-Za-z0-9_:.$])[0-9]+(?:\.[0-9]+)?(?:e[0-9]+)?(?![A-Za-z0-9_:.]))|[A-Za-z_:][A-Za-z0-9_:]*""",
    re.VERBOSE,
)
_FLIPPED = {"==": "!=", "!=": "==", ">": "<", "<": ">", ">=": "<=", "<=": ">="}
_BORDER = {">": ">=", "<": "<=", ">=": ">", "<=": "<"}
_OTHER = {"sum": "max", "avg": "max", "min": "max", "max": "min", "count": "sum"}
_OF_SERIES = {"slo", "service", "tenant_id"}
"""Labels of rules that the series have which they read: without them on the rule nothing changes."""
_INVERSE = {"+": "-", "-": "+", "*": "/", "/": "*"}


@dataclass(frozen=True)
class Mutant:
    """A changed rule, and what was changed."""

    what: str
    rule: dict[str, Any]

    def chosen(self, of: int) -> bool:
        """Whether it is in a sample of one in so many, always the same ones."""
        return zlib.crc32(f"{self.what}|{self.rule['expr']}".encode()) % of == 0


def mutants(rule: dict[str, Any]) -> Iterator[Mutant]:
    """Every mutant of a rule as rule files hold it."""
    seen = {rule["expr"]}
    for what, expr in _expressions(rule["expr"]):
        if expr not in seen:
            seen.add(expr)
            yield Mutant(what, {**rule, "expr": expr})
    if "alert" in rule:
        hold = milliseconds(rule.get("for", "0s"))
        for changed in (hold + 60_000, hold - 60_000):
            if changed >= 0:
                yield Mutant(f"for {duration(changed)}", {**rule, "for": duration(changed)})
    for label in sorted(set(rule.get("labels", {})) - _OF_SERIES):
        left = {k: v for k, v in rule["labels"].items() if k != label}
        yield Mutant(f"without the label {label}", {**rule, "labels": left})


def _expressions(expr: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(expr):
        kind = match.lastgroup
        if kind is None:
            continue
        for what, text in _changed(kind, match[kind]):
            begin, end = match.span(kind)
            place = expr[max(0, begin - 40) : begin].replace("\n", " ").strip()
            yield f"{what} [{match.start()}] after `{place[-25:]}`", expr[:begin] + text + expr[end:]


def _changed(kind: str, text: str) -> Iterator[tuple[str, str]]:
    match kind:
        case "number":
            value = float(text)
            counted = value.is_integer() and (value == 0 or 10 <= value < 1e6)
            step = 1 if counted else abs(value) * 1e-3
            for other in (value + step, value - step):
                yield f"{text} -> {other:.12g}", format(other, ".12f")
        case "compare":
            yield f"{text} -> {_FLIPPED[text]}", _FLIPPED[text]
            if text in _BORDER:
                yield f"{text} -> {_BORDER[text]}", _BORDER[text]
        case "aggregate":
            yield f"{text} -> {_OTHER[text]}", _OTHER[text]
        case "arithmetic":
            yield f"{text} -> {_INVERSE[text]}", _INVERSE[text]
        case "range" if ":" not in text:
            length = milliseconds(text[1:-1])
            for other in (length * 2, length // 2):
                yield f"{text} -> [{duration(other)}]", f"[{duration(other)}]"
        case "offset":
            yield f"offset {text} twice", duration(milliseconds(text) * 2)
        case "matchers" | "labels":
            opening, closing = ("{", "}") if kind == "matchers" else ("(", ")")
            head, _, rest = text.partition(opening)
            parts = [part.strip() for part in re.findall(r'(?:"(?:\\.|[^"\\])*"|[^,"])+', rest[: rest.rindex(closing)])]
            for i, part in enumerate(parts):
                left = ",".join(parts[:i] + parts[i + 1 :])
                yield f"without {part}", f"{head}{opening}{left}{closing}"
