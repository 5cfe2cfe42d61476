"""Quantities, ports, durations, counts and shares: the scalars whose form Kubernetes checks outside its schemas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from phoenix_gitops.verify.access import Mapping, integer, mapping
from phoenix_gitops.verify.finding import Fault, ObjectPath

_QUANTITY = re.compile(
    r"(?P<number>[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+))(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,3})?",
    re.ASCII,
)
_FACTORS = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)},
}
_GO_DURATION = re.compile(r"[+-]?(0|([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+)", re.ASCII)
_SHARE = re.compile(r"[0-9]+%", re.ASCII)
_INT32 = 2**31 - 1
_QUANTITY_HELP = "a number with a unit: `250m` of cpu, `512Mi` of memory"


@lru_cache(maxsize=4096)
def parse_quantity(value: str | int | float) -> Decimal | None:
    """The number that a quantity stands for (cores, bytes, ...); None if it is not one."""
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        return None
    suffix = match["suffix"] or ""
    factor = _FACTORS.get(suffix)
    number = Decimal(match["number"])
    return number * factor if factor is not None else number * Decimal(10) ** int(suffix[1:])


def is_go_duration(value: str) -> bool:
    """Whether Go's `time.ParseDuration` takes it: `90s`, `1h30m`; no days."""
    return _GO_DURATION.fullmatch(value) is not None


def check_quantities(values: object, at: ObjectPath) -> Iterator[Fault]:
    """A mapping from resource names to quantities that must not be negative."""
    for name, value in mapping(values).items():
        yield from check_quantity(value, (*at, name), resource=str(name))


def check_quantity(value: object, at: ObjectPath, *, resource: str = "") -> Iterator[Fault]:
    """One quantity: its form, its sign, and that memory is not counted in thousandths of a byte."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return
    number = parse_quantity(value)
    memory = resource.rpartition(".")[2] in {"memory", "storage", "ephemeral-storage"}
    if number is None:
        message = f"`{value}` is not a quantity"
    elif number < 0:
        message = f"quantity `{value}` is negative"
    elif memory and number != number.to_integral_value():
        message = f"`{value}` of {resource} is a fraction of a byte"
    else:
        return
    yield Fault(at=at, code="PHX713", message=message, help=_QUANTITY_HELP)


def check_limits(resources: object, at: ObjectPath) -> Iterator[Fault]:
    """Requests and limits of one container: their form, and no request above its limit."""
    requests, limits = mapping(mapping(resources).get("requests")), mapping(mapping(resources).get("limits"))
    yield from check_quantities(requests, (*at, "requests"))
    yield from check_quantities(limits, (*at, "limits"))
    for name in requests.keys() & limits.keys():
        request, limit = _number(requests[name]), _number(limits[name])
        if request is not None and limit is not None and request > limit:
            yield Fault(
                at=(*at, "requests", name),
                code="PHX714",
                message=f"{name} request `{requests[name]}` is above its limit `{limits[name]}`",
                help="lower the request or raise the limit",
            )


def _number(value: object) -> Decimal | None:
    return parse_quantity(value) if isinstance(value, str | int | float) else None


def check_port(value: object, at: ObjectPath, *, what: str = "port", least: int = 1) -> Iterator[Fault]:
    """A port's number; names are checked elsewhere."""
    number = integer(value)
    if number is not None and not least <= number <= 65535:
        yield Fault(at=at, code="PHX715", message=f"{what} `{number}` is not between {least} and 65535")


def check_count(value: object, at: ObjectPath, *, least: int = 0, most: int | None = None) -> Iterator[Fault]:
    """A whole number between its bounds; other types are the schema's business."""
    number = integer(value)
    if number is None:
        return
    if number < least:
        yield Fault(at=at, code="PHX706", message=f"`{at[-1]}` {number} is below {least}")
    elif most is not None and number > most:
        yield Fault(at=at, code="PHX706", message=f"`{at[-1]}` {number} is above {most}")


def check_share(value: object, at: ObjectPath) -> Iterator[Fault]:
    """A number of pods or a share of them in percent."""
    if isinstance(value, str) and not _SHARE.fullmatch(value):
        help_ = "a whole number, or a percentage such as `25%`"
        yield Fault(at=at, code="PHX706", message=f"`{value}` is not a value of `{at[-1]}`", help=help_)
    yield from check_count(value, at, most=_INT32)


def is_none_of(value: object) -> bool:
    """Whether a number or share of pods is none of them; what is absent is not."""
    return value == 0 or (isinstance(value, str) and _SHARE.fullmatch(value) is not None and int(value[:-1]) == 0)


def check_filled(data: Mapping, fields: tuple[str, ...], at: ObjectPath) -> Iterator[Fault]:
    """Fields that are there hold some text: the API server takes an empty one for none."""
    for field in fields:
        if data.get(field) == "":
            yield Fault(at=(*at, field), code="PHX704", message=f"`{field}` is empty")
