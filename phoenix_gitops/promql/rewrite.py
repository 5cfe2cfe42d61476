"""Rewriting: `$window` becomes a range, and a tenant's label comes into every selector."""

from __future__ import annotations

import json
from functools import cache
from itertools import count

from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.syntax import WINDOW, Node, PromQLError

_SMALLEST = "5m"


class ForeignTenantError(ValueError):
    """An expression that says itself which tenant's series it means, and means others."""


def windowed(text: str, window: str = _SMALLEST) -> str:
    """The indicator with its range put in; `window` is a duration such as `5m`."""
    return text.replace(WINDOW, window)


@cache
def narrowed(text: str, label: str, value: str) -> str:
    """The expression with `label="value"` in every selector: it sees nothing else. `$window` may stand for ranges.

    Raises `PromQLError`, or `ForeignTenantError` where a selector already names another value or more than the one.
    """
    stand_in = next(d for d in (f"{n}m7s" for n in count(11)) if d not in text)
    tree = syntax.rebuild(syntax.parse(windowed(text, stand_in)), lambda node: _narrow(node, label, value))
    result = syntax.flat(tree)
    _prove(result, label, value)
    return result.replace(stand_in, WINDOW)


def _narrow(node: Node, label: str, value: str) -> Node | None:
    if node.matchers.or_matchers:
        raise PromQLError("matchers that are joined by `or` are not PromQL")
    found = [m for m in node.matchers.matchers if m.name == label]
    for match in found:
        if str(match.op).rpartition(".")[2] != "Equal" or match.value != value:
            raise ForeignTenantError(f"{match}")
    if found:
        return None
    name, brace, rest = _unbraced(syntax.flat(node))
    separator = "," if brace and not rest.lstrip().startswith("}") else ""
    closing = rest if brace else "}" + rest
    return syntax.parse(f"{name}{{{label}={json.dumps(value, ensure_ascii=False)}{separator}{closing}")


def _unbraced(selector: str) -> tuple[str, bool, str]:
    """A selector's text before its matchers, whether it has any, and the rest after the brace."""
    for i, char in enumerate(selector):
        if char == "{":
            return selector[:i], True, selector[i + 1 :]
        if char == " ":
            return selector[:i], False, selector[i:]
    return selector, False, ""


def _prove(text: str, label: str, value: str) -> None:
    """Isolation rests on this: what came out is read again, and every selector must be held."""
    for selector in syntax.selectors(syntax.parse(text)):
        held = [m for m in selector.matches if m.label == label]
        if [(m.op, m.value) for m in held] != [("=", value)] * len(held) or not held:
            raise AssertionError(f"selector without {label}: {text}")
