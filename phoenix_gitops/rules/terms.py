"""Small pieces that expressions are put together from."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from phoenix_gitops.model.units import duration, milliseconds
from phoenix_gitops.scope import EnvironmentScope

MONTH_SECONDS = 30 * 86_400
"""The month that prices are for."""


def number(value: float | Decimal | Fraction) -> str:
    """A number as PromQL reads it: shortest exact form, no exponent."""
    if isinstance(value, Fraction):
        value = float(value)
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    text = format(exact, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def any_of(values: Iterable[str]) -> str:
    """A pattern that matches exactly these names; the longest first, as RE2 takes the first that fits.

    Names of policies hold no character that a pattern would read otherwise.
    """
    return "|".join(sorted(set(values), key=lambda v: (-len(v), v)))


def rate_window(env: EnvironmentScope) -> str:
    """The range of rates over scraped counters: 5 minutes, or four scrapes where that is longer."""
    return _at_least_four(env.environment.spec.telemetry.scrape_interval)


def record_window(env: EnvironmentScope) -> str:
    """The range over recorded series: 5 minutes, or four evaluations where that is longer."""
    return _at_least_four(env.environment.spec.telemetry.evaluation_interval)


def _at_least_four(interval: str) -> str:
    return duration(max(300_000, 4 * milliseconds(interval)))


def gateway(env: EnvironmentScope) -> str:
    """The matcher of series of the platform's gateway."""
    return f'namespace="{env.names.gateway_namespace}"'


def agents(env: EnvironmentScope) -> str:
    """The matcher of series of the node agents."""
    return f'namespace="{env.names.agent_namespace}"'
