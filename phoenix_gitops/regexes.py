"""Regular expressions in policies: whether the programs that will read them can.

They are RE2, as Go has it. The judge is the engine behind promql-parser, which has the same syntax; the little that it
takes and Go does not is refused before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.schemas import marked_paths, values_at

_UNIT = "x-phoenix-unit"
_MAX_REPEAT = 1000

_ESCAPED = re.compile(r"\\(?:\\|[^\\uU<>])")
_CLASSES = "alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit"
_SET = re.compile(r"\[\^?\]?(?:\[:\^?[a-z]+:\]|[^\]])*\]")
# Flags, escapes, operations on sets and names of classes that Go does not have.
_NOT_OF_GO = re.compile(rf"\(\?[A-Za-z-]*[xuR]|\\[uU<>]|&&|~~|--(?=[^\]]*\])|\[:(?!\^?(?:{_CLASSES}):\])")
_REPEAT = re.compile(r"\{([0-9]+)(?:,([0-9]*))?\}")
_TIMES = r"\{[0-9]+(?:,[0-9]*)?\}"
_REPEATED_TWICE = re.compile(rf"(?:[*+?]|{_TIMES})(?:\??(?:[*+]|{_TIMES})|\?\?)")


def regex_faults(policies: Mapping[Key, Resolved]) -> Iterator[Diagnostic]:
    """The patterns of whole policies that no collector or rule engine could read."""
    for key in sorted(policies):
        policy = policies[key]
        for pattern, unit in marked_paths(key[0], _UNIT):
            if unit != "re2":
                continue
            for path, value in values_at(policy.data, pattern):
                if isinstance(value, str) and not is_re2(value):
                    yield Diagnostic(
                        code="PHX206",
                        message=f"`{value}` is no regular expression of RE2",
                        primary=policy.origin(path).value,
                        help="RE2 has no look-around and no references back, and repeats at most 1,000 times",
                    )


@cache
def is_re2(pattern: str) -> bool:
    """Whether Go's regexp package can compile the pattern."""
    import promql_parser

    bare = _ESCAPED.sub("", pattern)
    plain = _SET.sub("x", bare)
    if _NOT_OF_GO.search(bare) or _REPEATED_TWICE.search(plain.replace("(?", "(")) or _closes_too_early(plain):
        return False
    if any(int(count) > _MAX_REPEAT for pair in _REPEAT.findall(bare) for count in pair if count):
        return False
    try:
        promql_parser.parse(f"{{x=~{json.dumps(pattern, ensure_ascii=False)}}}")
    except ValueError as error:
        # An expression may not match everything; a pattern may.
        return "illegal regex" not in str(error)
    return True


def _closes_too_early(plain: str) -> bool:
    """Whether a bracket ends what no bracket began: it would end the one that anchors put around the pattern."""
    depth = 0
    for character in plain:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return True
    return False
