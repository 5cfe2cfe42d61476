"""Regular expressions of CRDs, which are Go's RE2, for engines with other habits."""

from __future__ import annotations

from functools import lru_cache

_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}


@lru_cache(maxsize=1024)
def portable(pattern: str) -> str | None:
    r"""The pattern in a form that Rust, Python and ECMA engines read as Go does; None if there is none.

    Classes such as `\d` are ASCII in Go; `(?i)` within a pattern holds to the end of its group.
    """
    rewritten = _scope_flags(_spell_classes(pattern))
    if rewritten is None:
        return None
    import jsonschema_rs

    try:
        jsonschema_rs.validator_for({"pattern": rewritten}).is_valid("")
    except (ValueError, jsonschema_rs.ValidationError):
        return None
    return rewritten


def _spell_classes(pattern: str) -> str:
    r"""`\d`, `\w` and `\s` spelled out, `\z` as `$`."""
    parts: list[str] = []
    within = False
    position = 0
    while position < len(pattern):
        char = pattern[position]
        pair = pattern[position : position + 2]
        if char == "\\" and len(pair) == 2:
            parts.append(_spelled(pair[1], within=within))
            position += 2
            continue
        if char == "[" and not within:
            within = True
            # `[]a]` and `[^]a]`: a bracket in first place is a member.
            for opener in ("[^]", "[]", "[^"):
                if pattern.startswith(opener, position):
                    parts.append(opener.replace("]", r"\]"))
                    position += len(opener)
                    break
            else:
                parts.append(char)
                position += 1
            continue
        if char == "]" and within:
            within = False
        parts.append(char)
        position += 1
    return "".join(parts)


def _spelled(letter: str, *, within: bool) -> str:
    if letter in _CLASSES:
        return _CLASSES[letter] if within else f"[{_CLASSES[letter]}]"
    if letter.lower() in _CLASSES and not within:
        return f"[^{_CLASSES[letter.lower()]}]"
    return "$" if letter == "z" and not within else f"\\{letter}"


def _scope_flags(pattern: str) -> str | None:
    """`(?i)` as a group to the end of the enclosing one; None where alternatives make that another thing."""
    parts: list[str] = []
    closers = [0]
    fresh = [True]
    """For each open group: groups of ours to close with it, and whether nothing stood in it yet."""
    position, within = 0, False
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            parts.append(pattern[position : position + 2])
            position += 2
            fresh[-1] = False
            continue
        if not within and pattern.startswith("(?i)", position):
            if not fresh[-1] and _has_alternative(pattern, position + 4):
                return None
            parts.append("(?i:")
            closers[-1] += 1
            position += 4
            continue
        if within or char == "[":
            within = char != "]"
        elif char == "(":
            closers.append(0)
            fresh[-1] = False
            fresh.append(True)
        elif char == ")" and len(closers) > 1:
            parts.append(")" * closers.pop())
            fresh.pop()
        if char != "(":
            fresh[-1] = False
        parts.append(char)
        position += 1
    return "".join(parts) + ")" * closers[0]


def _has_alternative(pattern: str, position: int) -> bool:
    """Whether a `|` follows before the enclosing group ends."""
    depth = 0
    within = escaped = False
    for char in pattern[position:]:
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif within or char == "[":
            within = char != "]"
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth < 0:
                return False
        elif char == "|" and depth == 0:
            return True
    return False
