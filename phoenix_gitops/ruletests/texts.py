"""Texts of alerts as the person who is paged reads them: the part of Go's templates that such texts use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isfinite

from phoenix_gitops.rules.group import Alert
from phoenix_gitops.ruletests.traces import Labels

_ACTION = re.compile(r"\s*\{\{-\s*(.*?)\s*-\}\}\s*|\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_LABEL = re.compile(r"(?:\$labels|\.Labels)\.([A-Za-z_][A-Za-z0-9_]*)")
_QUOTED = re.compile(r'"([^"\\]*)"')
_PRINTF = re.compile(r'printf\s+"([^"\\%]*)%(\.[0-9]+)?([fges])([^"\\%]*)"(?:\s+(\S+))?')
_LARGE, _SMALL = "kMGTPEZY", "munpfazy"


class UnreadableTemplateError(ValueError):
    """A template beyond what is read here; the message is the part."""


def texts_of(alert: Alert, labels: Labels, value: float) -> dict[str, str]:
    """The texts of an instance, from its result's labels and value. Raises `UnreadableTemplateError`."""
    plain: Mapping[str, str] = alert.plain()["annotations"]
    return {name: rendered(text, labels, value) for name, text in plain.items()}


def rendered(text: str, labels: Labels, value: float) -> str:
    """A text with its actions replaced. Raises `UnreadableTemplateError`."""

    def action(match: re.Match[str]) -> str:
        return _shown(_pipeline(match[1] or match[2] or "", labels, value))

    return _ACTION.sub(action, text)


def _pipeline(text: str, labels: Labels, value: float) -> float | str:
    first, *rest = (part.strip() for part in text.split("|"))
    result = _operand(first, labels, value)
    for function in rest:
        result = _called(function, result)
    return result


def _operand(text: str, labels: Labels, value: float) -> float | str:
    if text in ("$value", ".Value"):
        return value
    if match := _LABEL.fullmatch(text):
        return labels.get(match[1], "")
    if match := _QUOTED.fullmatch(text):
        return match[1]
    if (match := _PRINTF.fullmatch(text)) and match[5]:
        return _printf(match, _operand(match[5], labels, value))
    name, _, argument = text.partition(" ")
    if name in _FUNCTIONS and argument:
        return _called(name, _operand(argument.strip(), labels, value))
    raise UnreadableTemplateError(text)


def _called(function: str, argument: float | str) -> float | str:
    if (match := _PRINTF.fullmatch(function)) and not match[5]:
        return _printf(match, argument)
    if function not in _FUNCTIONS:
        raise UnreadableTemplateError(function)
    try:
        return _FUNCTIONS[function](argument)
    except ValueError:
        raise UnreadableTemplateError(f"{function} of {argument}") from None


def _printf(match: re.Match[str], argument: float | str) -> str:
    if match[3] == "s":
        if isinstance(argument, float) or match[2]:
            raise UnreadableTemplateError(match[0])
        return f"{match[1]}{argument}{match[4]}"
    if isinstance(argument, str) or (match[3] == "g" and not match[2]):
        raise UnreadableTemplateError(match[0])
    return match[1] + f"{argument:{match[2] or ''}{match[3]}}" + match[4]


def _shown(result: float | str) -> str:
    """As Go prints: a float by its fewest digits, with an exponent from a million or below 0.0001 on."""
    if isinstance(result, str):
        return result
    shortest = repr(result)
    if not isfinite(result):
        return {"inf": "+Inf", "-inf": "-Inf"}.get(shortest, "NaN")
    power = int(f"{result:e}".partition("e")[2])
    if result and not -4 <= power < 6:
        mantissa = _digits(shortest)
        whole = mantissa[0] + ("." + mantissa[1:] if len(mantissa) > 1 else "")
        return f"{'-' if result < 0 else ''}{whole}e{'-' if power < 0 else '+'}{abs(power):02}"
    return str(int(result)) if result.is_integer() else shortest


def _digits(shortest: str) -> str:
    return re.sub("[^0-9]", "", shortest.lower().partition("e")[0]).strip("0") or "0"


def _humanize(value: float | str) -> str:
    number = float(value)
    if number == 0 or not isfinite(number):
        return f"{number:.4g}"
    prefix = ""
    if abs(number) >= 1:
        for letter in _LARGE:
            if abs(number) < 1000:
                break
            prefix, number = letter, number / 1000
    else:
        for letter in _SMALL:
            if abs(number) >= 1:
                break
            prefix, number = letter, number * 1000
    return f"{number:.4g}{prefix}"


def _humanize_1024(value: float | str) -> str:
    number, prefix = float(value), ""
    for letter in _LARGE:
        if abs(number) < 1024:
            break
        prefix, number = f"{letter}i", number / 1024
    return f"{number:.4g}{prefix}"


def _humanize_percentage(value: float | str) -> str:
    return f"{float(value) * 100:.4g}%"


def _humanize_duration(value: float | str) -> str:
    number = float(value)
    sign, whole = "-" if number < 0 else "", int(abs(number))
    if number == 0 or not isfinite(number):
        return f"{number:.4g}s"
    if whole == 0:
        return f"{_humanize(number)}s"
    days, hours, minutes, seconds = whole // 86_400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "m")]
    while parts and not parts[0][0]:
        parts.pop(0)
    if not parts:
        return f"{sign}{abs(number):.4g}s"
    return sign + " ".join(f"{count}{unit}" for count, unit in (*parts, (seconds, "s")))


_FUNCTIONS: dict[str, Callable[[float | str], str]] = {
    "humanize": _humanize,
    "humanize1024": _humanize_1024,
    "humanizePercentage": _humanize_percentage,
    "humanizeDuration": _humanize_duration,
    "toUpper": lambda text: str(text).upper(),
    "toLower": lambda text: str(text).lower(),
}
