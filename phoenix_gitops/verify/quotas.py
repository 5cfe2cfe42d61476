"""ResourceQuota and LimitRange: what may be counted, and limits that hold together."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from phoenix_gitops.verify.access import Mapping, child, entries, mapping
from phoenix_gitops.verify.choices import check_choices
from phoenix_gitops.verify.finding import Fault, ObjectPath
from phoenix_gitops.verify.quantities import check_quantities, check_quantity, parse_quantity
from phoenix_gitops.verify.resource_names import COUNTED, check_limit_resources, check_quota_resources
from phoenix_gitops.verify.unique import check_unique

_SIZES = ("min", "defaultRequest", "default", "max")
"""The fields of a limit, from the lowest to the highest that they may be."""
_RATIO = "maxLimitRequestRatio"
_CALLED = {"min": "minimum", "defaultRequest": "default request", "default": "default limit", "max": "maximum"}


def check_quota(body: Mapping) -> Iterator[Fault]:
    """A ResourceQuota."""
    at: ObjectPath = ("spec", "hard")
    hard = child(body, "spec", "hard")
    yield from check_quota_resources(hard, at)
    yield from check_quantities(hard, at)
    for name, value in hard.items():
        number = _number(value)
        counted = name in COUNTED or str(name).startswith("count/")
        if counted and number is not None and number != number.to_integral_value():
            yield Fault(at=(*at, name), code="PHX713", message=f"`{value}` of {name} is not a whole number")


def check_limit_range(body: Mapping) -> Iterator[Fault]:
    """A LimitRange."""
    limits = [(("spec", "limits", index), limit) for index, limit in entries(child(body, "spec").get("limits"))]
    yield from check_unique([(at, limit.get("type")) for at, limit in limits], "limit", "type")
    for at, limit in limits:
        yield from check_choices(limit, at, "limit")
        for field in _SIZES:
            yield from check_quantities(limit.get(field), (*at, field))
        for field in (*_SIZES, _RATIO):
            yield from check_limit_resources(limit.get(field), (*at, field))
        yield from _check_order(limit, at)
        yield from _check_ratios(mapping(limit.get(_RATIO)), (*at, _RATIO))


def _check_ratios(ratios: Mapping, at: ObjectPath) -> Iterator[Fault]:
    for name, value in ratios.items():
        yield from check_quantity(value, (*at, name))
        number = _number(value)
        if number is not None and 0 <= number < 1:
            yield Fault(at=(*at, name), code="PHX713", message=f"ratio `{value}` of {name} is below 1")


def _check_order(limit: Mapping, at: ObjectPath) -> Iterator[Fault]:
    """No size above one that is higher by its meaning."""
    for position, low in enumerate(_SIZES):
        for high in _SIZES[position + 1 :]:
            lower, upper = mapping(limit.get(low)), mapping(limit.get(high))
            for name in sorted(lower.keys() & upper.keys()):
                least, most = _number(lower[name]), _number(upper[name])
                if least is not None and most is not None and least > most:
                    yield Fault(
                        at=(*at, low, name),
                        code="PHX714",
                        message=f"{name}: {_CALLED[low]} `{lower[name]}` is above {_CALLED[high]} `{upper[name]}`",
                        help="lower the one or raise the other",
                    )


def _number(value: object) -> Decimal | None:
    return parse_quantity(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
