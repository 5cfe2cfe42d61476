"""The control law as recording rules: which profile it advises, and how well that goes.

The latch reads its own last value, so its group runs at the policy's interval and every window is a whole number of
steps and a half: then Prometheus 2, Prometheus 3 and VictoriaMetrics see the same samples in it. `changes()` is not
used: VictoriaMetrics also counts the change from the last sample before the range, and the first sample ever. Each
step's change is recorded instead, and summed.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from phoenix_gitops.model.control import ControlPolicySpec, Profile
from phoenix_gitops.model.units import duration, seconds
from phoenix_gitops.rules import outlook, outlook_law
from phoenix_gitops.rules.alerts import STABILITY, countable
from phoenix_gitops.rules.control_law import MEMORY_STEPS, SLOPE_STEPS, Law, law
from phoenix_gitops.rules.group import Alert, Group, Record, group
from phoenix_gitops.rules.outlook import INPUT, window
from phoenix_gitops.rules.pipelines import RISK, SERIES
from phoenix_gitops.rules.terms import number
from phoenix_gitops.scope import EnvironmentScope

EMERGENCY = "phoenix:control_emergency"
PROFILE = "phoenix:control_profile"
CHANGED = "phoenix:control_profile_changed"
INTEGRAL = "phoenix:control_integral"
OUTPUT = "phoenix:control_output"

ADVISED = "PhoenixProfileAdvised"

_LABELS = {"component": "control"}
_HOUR_MS = 3_600_000


def groups(env: EnvironmentScope) -> Iterator[Group]:
    """The groups of an environment's control policy, or none where its input cannot be counted here."""
    if env.control is None or not countable(env, env.control.spec.input):
        return
    spec = env.control.spec
    rules = law(spec)
    yield from group("phoenix-control-input", spec.interval, _inputs(spec))
    yield from outlook.groups(spec, rules)
    latch = Record(record=PROFILE, expr=profile_expression(rules))
    changed = Record(record=CHANGED, expr=changed_expression(rules))
    yield from group("phoenix-control", spec.interval, [latch, _integral(rules), changed])
    yield from group("phoenix-control-state", spec.interval, _state(spec, rules))
    if spec.mode == "advisory":
        running = {pipeline.metadata.name for pipeline in env.pipelines}
        yield from group("phoenix-control-advice", spec.interval, advice(spec, rules, running))


def _inputs(spec: ControlPolicySpec) -> Iterator[Record]:
    which = f'{{phoenix_pipeline="{spec.input}"}}'
    count, risk = f"{SERIES}{which}", f"{RISK}{which}"
    yield Record(record=INPUT, expr=count)
    explosion = spec.explosion
    risky = f"({risk} > bool {number(explosion.risk)} or 0 * {count})"
    yield Record(record=EMERGENCY, expr=f"({count} > bool {explosion.limit}) + {risky} > bool 0")


def profile_expression(rules: Law) -> str:
    """The latch: of its branches, the first that has a result counts. The last one is that of a lost memory."""
    before = f"last_over_time({PROFILE}[{window(rules, MEMORY_STEPS)}])"
    held = f"{PROFILE}[{window(rules, rules.hold_steps)}]"
    locked = f"max_over_time({EMERGENCY}[{window(rules, rules.lockout_steps - 1)}]) == 1"
    branches = (
        *_overridden(rules),
        ("emergency: the thriftiest profile", f"({EMERGENCY} == 1) * {rules.last}"),
        ("lockout after an emergency", f"{before} and {locked}"),
        ("oscillation", f"({_changes(rules, before)} > {rules.oscillation_max}) * 0 + {rules.fallback}"),
        ("held since the last change", f"{before} and (max_over_time({held}) > min_over_time({held}))"),
        ("thresholds", _thresholds(rules, before)),
        ("no memory: the most faithful profile", f"0 * {INPUT}"),
    )
    cascade = "\n  or\n".join(f"  # {name}\n  {expr}" for name, expr in branches)
    return f"(\n{cascade}\n)\nand {INPUT}"


def _overridden(rules: Law) -> Iterator[tuple[str, str]]:
    """The branch of a profile that is set by hand: it ends by the clock of who evaluates it."""
    if rules.override is not None:
        yield "set by hand", f"(0 * {INPUT} + {rules.override}) and (0 * {INPUT} + time() < {rules.override_until})"


def changed_expression(rules: Law) -> str:
    """Whether the step before this one changed the profile: 1 or 0.

    It looks back from half a step ago, so it sees the same before and after the latch of this step has been recorded.
    """
    memory, half = duration(MEMORY_STEPS * rules.interval_ms), rules.interval_ms // 2
    last, former = (
        f"last_over_time({PROFILE}[{memory}] offset {duration(past)})" for past in (half, half + rules.interval_ms)
    )
    return f"{last} != bool {former} or 0 * {last}"


def _changes(rules: Law, before: str) -> str:
    """How often the profile has changed in the steps of the oscillation's window, for the latch of this step."""
    latest = f"({changed_expression(rules)})"
    if rules.oscillation_steps <= 2:
        return latest
    recorded = f"(sum_over_time({CHANGED}[{_oscillation_window(rules)}]) or 0 * {before})"
    return f"{latest}\n  + {recorded}\n "


def _oscillation_window(rules: Law) -> str:
    """The range of recorded changes that lie between the profiles of the oscillation's window."""
    return window(rules, max(0, rules.oscillation_steps - 2))


def _thresholds(rules: Law, before: str) -> str:
    terms, drive = [before], outlook.DRIVE if rules.drives else INPUT
    for i, (enter, leave) in enumerate(zip(rules.enter, rules.leave, strict=True), start=1):
        terms.append(f"+ ({before} < bool {i}) * ({drive} > bool {number(enter)})")
        terms.append(f"- ({before} >= bool {i}) * ({drive} < bool {number(leave)})")
    return "\n  ".join(terms)


def _integral(rules: Law) -> Record:
    """The sum of errors, a step, or in the velocity form the output; its limits are what keeps it from winding up."""
    if rules.velocity:
        return Record(record=INTEGRAL, expr=_velocity(rules))
    limit, error = number(rules.integral_limit), f"({INPUT} - {number(rules.set_point)})"
    before = f"(last_over_time({INTEGRAL}[{window(rules, MEMORY_STEPS)}]) or 0 * {INPUT})"
    return Record(record=INTEGRAL, expr=f"clamp({before} + {error}, -{limit}, {limit})")


def _velocity(rules: Law) -> str:
    memory, half = duration(MEMORY_STEPS * rules.interval_ms), duration(rules.interval_ms // 2)
    before = f"(last_over_time({INTEGRAL}[{window(rules, MEMORY_STEPS)}]) or 0 * {INPUT})"
    last = f"(last_over_time({INPUT}[{memory}] offset {half}) or {INPUT})"
    aim, pace = number(rules.set_point), number(rules.ki * rules.interval_ms / 1000)
    moved = f"({number(rules.kp)} * ({INPUT} - {last}) + {pace} * ({INPUT} - {aim})) / {aim}"
    return f"clamp(\n  {before}\n  + {moved},\n  0, 1\n)"


def _output(rules: Law) -> str:
    slope = f"deriv({INPUT}[{window(rules, SLOPE_STEPS)}]) * {number(rules.interval_ms / 1000)}"
    if rules.velocity:
        return f"clamp({INTEGRAL} + {number(rules.kd)} * {slope} / {number(rules.set_point)}, 0, 1)"
    error = f"({INPUT} - {number(rules.set_point)})"
    return "\n+\n".join(
        (f"{number(rules.kp)} * {error}", f"{number(rules.ki)} * {INTEGRAL}", f"{number(rules.kd)} * {slope}")
    )


def _state(spec: ControlPolicySpec, rules: Law) -> Iterator[Record]:
    error = f"({INPUT} - {number(rules.set_point)})"
    yield Record(record=OUTPUT, expr=_output(rules))
    changes = f"sum_over_time({CHANGED}[{_oscillation_window(rules)}])"
    hour = f"sum_over_time({CHANGED}[{window(rules, max(0, _HOUR_MS // rules.interval_ms - 1))}])"
    yield Record(record=STABILITY, expr=f"clamp_min(1 - {changes} / {rules.oscillation_steps}, 0)")
    yield Record(record="phoenix:control_mode_transitions_per_hour", expr=hour)
    yield Record(
        record="phoenix:control_loop_effectiveness",
        expr=f"clamp_min(1 - abs{error} / {number(rules.set_point)}, 0)",
    )
    yield Record(record="phoenix:control_oscillating", expr=f"{changes} > bool {rules.oscillation_max}")
    for i, profile in enumerate(spec.profiles):
        yield Record(
            record="phoenix:control_profile_active",
            expr=f"{PROFILE} == bool {i}",
            labels={"profile": profile.name, "pipelines": ",".join(profile.pipelines)},
        )


def advice(spec: ControlPolicySpec, rules: Law, running: Set[str]) -> Iterator[Alert]:
    """The alerts of mode `advisory`, where these pipelines run."""
    governed = {name for profile in spec.profiles for name in profile.pipelines}
    for i, profile in enumerate(spec.profiles):
        missing, extra = set(profile.pipelines) - running, (running & governed) - set(profile.pipelines)
        if missing or extra:
            yield _advised(spec, i, profile, missing, extra)
    yield Alert(
        alert="PhoenixControlEmergency",
        expr=f"{EMERGENCY} == 1",
        severity="critical",
        summary=f"series explode: profile {spec.profiles[-1].name} is advised at once",
        labels=_LABELS,
    )
    yield Alert(
        alert="PhoenixControlOscillation",
        expr="phoenix:control_oscillating == 1",
        severity="warning",
        summary=f"more than {rules.oscillation_max} changes in {spec.oscillation.window}: "
        f"profile {spec.oscillation.fallback} is advised",
        labels=_LABELS,
    )
    if spec.override is not None:
        index = [profile.name for profile in spec.profiles].index(spec.override.profile)
        yield Alert(
            alert="PhoenixControlOverridden",
            expr=f"{PROFILE} == {index} and 0 * {PROFILE} + time() < {rules.override_until}",
            severity="info",
            summary=f"profile {spec.override.profile} is set by hand until {spec.override.until}",
            description=spec.override.reason,
            labels=_LABELS,
        )
    yield from _outlook_alerts(spec)
    yield Alert(
        alert="PhoenixControlStale",
        expr=f"absent({PROFILE})",
        hold=duration(MEMORY_STEPS * rules.interval_ms),
        severity="warning",
        summary=f"the control law has no input; it will start again at profile {spec.profiles[0].name}",
        labels=_LABELS,
    )


def _outlook_alerts(spec: ControlPolicySpec) -> Iterator[Alert]:
    if spec.forecast is not None:
        limit = number(outlook_law.plan(spec).limit)
        yield Alert(
            alert="PhoenixControlLimitNear",
            expr=f"{outlook.TO_LIMIT} < {number(seconds(spec.forecast.horizon))}",
            hold=spec.stability,
            severity="warning",
            summary=f"{{{{ $labels.phoenix_pipeline }}}} reaches {limit} series in {{{{ $value | humanizeDuration }}}} "
            "if it grows on",
            labels=_LABELS,
        )
    if spec.anomaly is not None:
        yield Alert(
            alert="PhoenixControlAnomaly",
            expr=f"{outlook.ANOMALY} == 1",
            hold=spec.anomaly.for_,
            severity="warning",
            summary="{{ $labels.phoenix_pipeline }} has unusually many or few series, held against those of the last "
            f"{spec.anomaly.window}",
            labels=_LABELS,
        )


def _advised(spec: ControlPolicySpec, i: int, profile: Profile, missing: Set[str], extra: Set[str]) -> Alert:
    steps = [f"switch on {name}" for name in sorted(missing)] + [f"switch off {name}" for name in sorted(extra)]
    return Alert(
        alert=ADVISED,
        expr=f"{PROFILE} == {i}",
        hold=spec.stability,
        severity="info",
        summary=f"profile {profile.name} is advised for {{{{ $labels.phoenix_pipeline }}}}",
        description=f"{', '.join(steps)} in the environment's `pipelines`",
        labels={**_LABELS, "profile": profile.name},
    )
