"""Conditions of filters and statements as the predicates of a Pipeline, as far as it has words for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from phoenix_gitops.collector.identity import SENDER
from phoenix_gitops.collector.ottl import EXECUTABLE, PRIORITY
from phoenix_gitops.importing.collectors.ottl import ALWAYS, Both, Call, Compare, Constant, Not, Place, Term

ROLLED: Final = Place("resource.attributes", ("phoenix.rollup",))
"""Our mark of what was rolled up."""
_PRIORITY: Final = Place("resource.attributes", (PRIORITY,))
_EXECUTABLE: Final = Place("resource.attributes", (EXECUTABLE,))
_METRICS: Final = (Place("metric.name"), Place("datapoint.metric.name"))
_ANCHORED: Final = re.compile(r"\^\(\?:(?P<inner>.*)\)\$", re.DOTALL)
_SIGN: Final = re.compile(r"[.+*?()|\[\]{}^$\\]")
_ESCAPED_END: Final = re.compile(r"\\(?:\\\\)*\$\Z")

Predicate = dict[str, Any]
"""As `Predicate` of a Pipeline has it: `classes`, `executables`, `metrics`."""


def anchored(pattern: str) -> str:
    """A pattern that is looked for anywhere, as one that must match the whole."""
    if match := _ANCHORED.fullmatch(pattern):
        inner = match["inner"]
        if _balanced(inner):
            return inner
    if "|" in _outside(pattern):
        return f".*(?:{pattern}).*"
    start = "" if pattern.startswith(("^", ".*")) else ".*"
    ended = pattern.endswith("$") and not _ESCAPED_END.search(pattern)
    end = "" if ended or (pattern.endswith(".*") and not pattern.endswith("\\.*")) else ".*"
    return start + pattern.removeprefix("^").removesuffix("$" if ended else "") + end


def _outside(pattern: str) -> str:
    """What of a pattern stands in no brackets."""
    left, before = re.sub(r"\\.|\[[^\]]*\]", "", pattern), ""
    while left != before:
        left, before = re.sub(r"\([^()]*\)", "", left), left
    return left


def _balanced(pattern: str) -> bool:
    """Whether no bracket of the pattern closes one that is outside of it."""
    depth = 0
    for sign in re.sub(r"\\.|\[[^\]]*\]", "", pattern):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth < 0:
            return False
    return depth == 0


def ands(term: Term) -> Sequence[Term]:
    """The parts that must all hold."""
    if isinstance(term, Both) and term.word == "and":
        return [part for item in term.items for part in ands(item)]
    return () if term == ALWAYS else (term,)


def ors(term: Term) -> Sequence[Term]:
    """The parts of which one must hold."""
    if isinstance(term, Both) and term.word == "or":
        return [part for item in term.items for part in ors(item)]
    return (term,)


def is_process(term: Term) -> bool:
    """Whether it says no more than that a resource has a class, or a name that decides it."""
    return isinstance(term, Compare) and term.sign == "!=" and term.other == Constant(None) and term.one == _PRIORITY


def is_unrolled(term: Term) -> bool:
    """Whether it says that something was not rolled up."""
    return term == Compare("==", ROLLED, Constant(None))


def predicate(term: Term) -> Predicate | None:
    """One predicate: parts that must all hold. None where a Pipeline cannot say it."""
    found: Predicate = {}
    for part in ands(term):
        if is_process(part):
            continue
        for key, value in (_part(part) or {"": None}).items():
            if not key or key in found:
                return None
            found[key] = value
    return found or None


def predicates(term: Term) -> list[Predicate] | None:
    """Predicates of which one must hold. None where a Pipeline cannot say it."""
    found = [predicate(part) for part in _classes_joined(ors(term))]
    return None if any(one is None for one in found) else [one for one in found if one is not None]


def classes(term: Term) -> list[str] | None:
    """The classes of which a resource has one, if that is all that a condition says."""
    names = []
    for part in ors(term):
        if not (isinstance(part, Compare) and part.sign == "==" and part.one == _PRIORITY):
            return None
        if not isinstance(part.other, Constant) or not isinstance(part.other.value, str):
            return None
        names.append(part.other.value)
    return names


def excepted(term: Term) -> list[str] | None:
    """The classes that a condition excepts, if that is all that it says."""
    if term == ALWAYS:
        return []
    if isinstance(term, Not):
        return classes(term.term)
    names: list[str] = []
    for part in ands(term):
        if not (isinstance(part, Compare) and part.sign == "!=" and part.one == _PRIORITY):
            return None
        if not isinstance(part.other, Constant) or not isinstance(part.other.value, str):
            return None
        names.append(part.other.value)
    return names


def _classes_joined(parts: Sequence[Term]) -> list[Term]:
    """Classes that stand beside each other are one predicate."""
    joined: list[Term] = []
    for part in parts:
        last = joined[-1] if joined else None
        if last is not None and classes(part) is not None and classes(last) is not None:
            joined[-1] = Both("or", (*ors(last), part))
        else:
            joined.append(part)
    return joined


def _part(term: Term) -> Predicate | None:
    if (names := classes(term)) is not None:
        return {"classes": names}
    if isinstance(term, Call) and term.name == "IsMatch" and len(term.items) == 2:
        path, pattern = term.items
        if isinstance(pattern, Constant) and isinstance(pattern.value, str):
            return _matching(path, anchored(pattern.value))
    if isinstance(term, Compare) and term.sign == "==" and isinstance(term.other, Constant):
        word = term.other.value
        return _matching(term.one, _SIGN.sub(r"\\\g<0>", word)) if isinstance(word, str) else None
    return None


def _matching(path: Term, pattern: str) -> Predicate | None:
    if path == _EXECUTABLE:
        return {"executables": pattern}
    return {"metrics": pattern} if path in _METRICS else None


def keeps(term: Term) -> tuple[list[Predicate], bool] | None:
    """What a filter keeps, if its condition is the opposite of predicates; and whether it spares what is no process."""
    parts = [part for part in ands(term) if not is_unrolled(part)]
    guarded = any(is_process(part) for part in parts)
    others = [part for part in parts if not is_process(part)]
    if not others or not all(isinstance(part, Not) for part in others):
        return None
    kept: list[Predicate] = []
    for part in others:
        found = predicates(part.term) if isinstance(part, Not) else None
        if found is None:
            return None
        kept += found
    return kept, guarded


ALWAYS_KEPT: Final = frozenset({*SENDER, "tenant.id", EXECUTABLE, PRIORITY, "phoenix.member", "phoenix.rollup"})
"""Attributes that a Pipeline keeps whatever `keepOnly` says."""
