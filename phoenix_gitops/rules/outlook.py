"""What the controlled count will be, and whether it is unusual, as recording rules beside the control law.

No experimental function is used. Every range is a whole number of steps and a half, so all engines see the same
samples in it; what a count is compared with ends half a step ago, so that no value is measured by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from phoenix_gitops.model.control import ControlPolicySpec
from phoenix_gitops.model.units import duration
from phoenix_gitops.rules.control_law import Law
from phoenix_gitops.rules.group import Group, Record, group
from phoenix_gitops.rules.outlook_law import DEVIATIONS_OF_MAD, Band, Line, Plan, Season, plan
from phoenix_gitops.rules.terms import number

INPUT: Final = "phoenix:control_input"
FORECAST: Final = "phoenix:control_forecast"
TO_LIMIT: Final = "phoenix:control_seconds_to_limit"
DRIVE: Final = "phoenix:control_drive"
CENTRE: Final = "phoenix:control_band_centre"
DEVIATION: Final = "phoenix:control_deviation"
SPREAD: Final = "phoenix:control_band_spread"
LOWER: Final = "phoenix:control_band_lower"
UPPER: Final = "phoenix:control_band_upper"
ANOMALY: Final = "phoenix:control_anomaly"


def window(rules: Law, steps: int) -> str:
    """A range that holds exactly the samples of so many steps before now (and one of now, where there is one)."""
    return duration(steps * rules.interval_ms + rules.interval_ms // 2)


def groups(spec: ControlPolicySpec, rules: Law) -> Iterator[Group]:
    """The groups of forecast and band, each reading only what earlier ones record; none where neither is wanted."""
    found = plan(spec)
    first: list[Record] = []
    later: list[Record] = []
    if found.forecast is not None:
        first.append(Record(record=FORECAST, expr=_forecast(found, rules)))
        first.append(Record(record=TO_LIMIT, expr=_to_limit(found, rules)))
    if rules.drives:
        later.append(Record(record=DRIVE, expr=f"({FORECAST} > {INPUT}) or {INPUT}"))
    if found.band is not None:
        first.append(Record(record=CENTRE, expr=_known(found.band, rules, _centre(found.band, rules))))
        spread = _past(found.band, rules)
        if found.band.robust:
            spread = f"{number(DEVIATIONS_OF_MAD)} * quantile_over_time(0.5, {_past(found.band, rules, DEVIATION)})"
            later.append(Record(record=DEVIATION, expr=f"abs({INPUT} - {CENTRE})"))
            later.append(Record(record=SPREAD, expr=f"{spread}\nand {INPUT}"))
        else:
            first.append(Record(record=SPREAD, expr=_known(found.band, rules, f"stddev_over_time({spread})")))
    yield from group("phoenix-control-outlook", spec.interval, first)
    yield from group("phoenix-control-compared", spec.interval, later)
    if found.band is not None:
        yield from group("phoenix-control-band", spec.interval, _band(found.band))
        # An engine may go on seeing the band of minutes ago: it counts only while there is one.
        outside = _known(found.band, rules, f"({INPUT} > bool {UPPER}) + ({INPUT} < bool {LOWER})")
        yield from group("phoenix-control-anomaly", spec.interval, [Record(record=ANOMALY, expr=outside)])


def _forecast(found: Plan, rules: Law) -> str:
    match found.forecast:
        case Line() as line:
            ahead = f"clamp_min(predict_linear({INPUT}[{window(rules, line.steps)}], {line.horizon_s}), 0)"
            return f"{ahead}\n{_seen(line, rules)}"
        case Season() as season:
            times = [
                f"avg_over_time({INPUT}[{window(rules, season.width)}] offset {duration(past * rules.interval_ms)})"
                for past in season.offsets
            ]
            mean = f"({' + '.join(times)}) / {len(times)}"
            return "(\n  " + "\n  or\n  ".join([mean, *times]) + f"\n)\nand {INPUT}"
        case None:
            raise AssertionError("a forecast that nobody wants")


def _seen(line: Line, rules: Law) -> str:
    """Before a quarter of the range has been seen, a line says nothing."""
    return f"and count_over_time({INPUT}[{window(rules, line.steps)}]) >= {line.least}\nand {INPUT}"


def _to_limit(found: Plan, rules: Law) -> str:
    line = found.line
    left = f"clamp_min({number(found.limit)} - {INPUT}, 0)"
    return f"{left} / (deriv({INPUT}[{window(rules, line.steps)}]) > 0)\n{_seen(line, rules)}"


def _past(band: Band, rules: Law, name: str = INPUT) -> str:
    """What a count is compared with: so many steps before this one."""
    return f"{name}[{duration(band.steps * rules.interval_ms)}] offset {duration(rules.interval_ms // 2)}"


def _centre(band: Band, rules: Law) -> str:
    past = _past(band, rules)
    return f"quantile_over_time(0.5, {past})" if band.robust else f"avg_over_time({past})"


def _known(band: Band, rules: Law, expr: str) -> str:
    return f"{expr}\nand count_over_time({_past(band, rules)}) >= {band.least}\nand {INPUT}"


def _band(band: Band) -> Iterator[Record]:
    """A flat series has no deviation: the band is never narrower than its margin, nor than one series."""
    wide, least = f"{number(band.deviations)} * {SPREAD}", f"{number(band.margin)} * {CENTRE}"
    half = f"clamp_min(({wide} > {least}) or {least}, 1)"
    yield Record(record=LOWER, expr=f"clamp_min({CENTRE} - {half}, 0)")
    yield Record(record=UPPER, expr=f"{CENTRE} + {half}")
