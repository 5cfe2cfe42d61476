"""Plain data of objects that may have any form: what is not there, or is something else, is empty."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Data = Mapping[str, Any]


def below(value: object, *keys: str) -> object:
    """What stands at a path; None where the path ends before."""
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def mapping(value: object, *keys: str) -> Data:
    """The mapping at a path, or an empty one."""
    found = below(value, *keys)
    return found if isinstance(found, dict) else {}


def maps(value: object, *keys: str) -> list[Data]:
    """The mappings in the list at a path."""
    found = below(value, *keys)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def texts(value: object, *keys: str) -> list[str]:
    """The scalars in the list at a path, as text."""
    found = below(value, *keys)
    return [str(item) for item in found if not isinstance(item, (dict, list))] if isinstance(found, list) else []


def text(value: object, *keys: str) -> str:
    """The scalar at a path as text, or an empty one."""
    found = below(value, *keys)
    return "" if found is None or isinstance(found, (dict, list)) else str(found)


def number(value: object, *keys: str) -> int | None:
    """The whole number at a path."""
    found = below(value, *keys)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def canonical(value: object) -> str:
    """A stable spelling of any value."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def labels_text(selector: object) -> str:
    """A label selector as people write it: `app=x, tier in (a, b)`; empty for the one that selects all."""
    parts = [f"{key}={value}" for key, value in sorted(mapping(selector, "matchLabels").items())]
    for one in maps(selector, "matchExpressions"):
        words = {"In": "in", "NotIn": "not in", "Exists": "exists", "DoesNotExist": "is absent"}
        operator = words.get(text(one, "operator"), text(one, "operator"))
        values = ", ".join(sorted(texts(one, "values")))
        parts.append(f"{text(one, 'key')} {operator}" + (f" ({values})" if values else ""))
    return ", ".join(parts)
