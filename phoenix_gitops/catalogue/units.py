"""Units of values and what arithmetic makes of them: `bytes` a second is `bytes/second`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

Unit = tuple[tuple[str, int], ...]
"""Base units with their powers, by name; empty for a plain number, as a ratio is."""

SECOND: Unit = (("second", 1),)

_SAME = {
    **dict.fromkeys(("s", "sec"), "second"),
    **dict.fromkeys(("ms", "milli"), "millisecond"),
    **dict.fromkeys(("min",), "minute"),
    **dict.fromkeys(("by", "b"), "byte"),
    **dict.fromkeys(("kib", "kiby"), "kibibyte"),
    **dict.fromkeys(("mib", "miby"), "mebibyte"),
    **dict.fromkeys(("gib", "giby"), "gibibyte"),
    **dict.fromkeys(("%",), "percent"),
    **dict.fromkeys(("hz",), "hertz"),
    **dict.fromkeys(("cpu",), "core"),
    **dict.fromkeys(("1", "ratio"), ""),
}
_SINGULAR = frozenset({"celsius", "hertz"})


@cache
def parse(text: str) -> Unit | None:
    """The unit that a text means, None for none; raises nothing: an unknown word is a unit of its own."""
    if not text.strip():
        return None
    found: dict[str, int] = {}
    power = 1
    for part in re.split(r"(/|\*| per )", text.strip()):
        if part in ("/", " per "):
            power = -1
        elif part != "*" and (name := _base(part)):
            found[name] = found.get(name, 0) + power
    return _unit(found)


def _base(word: str) -> str:
    word = word.strip().strip("{}").lower()
    if word in _SAME:
        return _SAME[word]
    single = word[:-1] if word.endswith("s") and len(word) > 2 and word not in _SINGULAR else word
    return _SAME.get(single, single)


def _unit(powers: Mapping[str, int]) -> Unit:
    return tuple((name, powers[name]) for name in sorted(powers) if powers[name])


def product(left: Unit, right: Unit, sign: int = 1) -> Unit:
    """The unit of a product; with `sign` -1 of a quotient."""
    found = dict(left)
    for name, power in right:
        found[name] = found.get(name, 0) + sign * power
    return _unit(found)


def show(unit: Unit | None) -> str:
    """The unit as people write it; empty where it is not known."""
    if unit is None:
        return ""
    above = "*".join(_shown(name, power, plural=True) for name, power in unit if power > 0)
    below = [_shown(name, -power, plural=False) for name, power in unit if power < 0]
    return "/".join([above or "1", *below])


def _shown(name: str, power: int, *, plural: bool) -> str:
    word = f"{name}s" if plural and name not in _SINGULAR and name != "percent" else name
    return "*".join([word] * power)
