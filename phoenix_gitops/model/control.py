"""ControlPolicy: which pipeline profile holds at which cardinality, and how calmly that changes."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from phoenix_gitops.model.base import Duration, Metadata, Model, Name, Ratio, reference


class Profile(Model, frozen=True, kw_only=True):
    """A level of thrift. The profiles are ordered: each next one is entered above its threshold."""

    name: Annotated[Name, Meta(description="The profile.", examples=["balanced"])]
    above: Annotated[
        int,
        Meta(
            ge=0,
            description="The profile holds above so many active series; 0 for the first.",
            examples=[15000],
        ),
    ]
    pipelines: Annotated[
        list[Annotated[Name, Meta(extra_json_schema=reference("Pipeline"))]],
        Meta(min_length=1, description="The pipelines that run in it."),
    ]


class Pid(Model, frozen=True, kw_only=True):
    """Gains of the controller whose output is recorded beside the profile."""

    form: Annotated[
        Literal["position", "velocity"],
        Meta(
            description="`position`: the error in series and its sum, which `integralLimit` bounds. `velocity`: each step adds to the "
            "output before, by the error as a share of the set point, and the output stays from 0 to 1, so that nothing winds up."
        ),
    ] = "position"
    kp: Annotated[float, Meta(ge=0, description="Proportional gain.")] = 0.5
    ki: Annotated[
        float, Meta(ge=0, description="Integral gain: a step in form `position`, a second in `velocity`.")
    ] = 0.1
    kd: Annotated[float, Meta(ge=0, description="Derivative gain, on the measurement.")] = 0.05
    integral_limit: Annotated[
        float, Meta(gt=0, description="The integral of form `position` stays within plus and minus this.")
    ] = 10000


class Override(Model, frozen=True, kw_only=True):
    """A profile that a person sets for a while, whatever the law would do."""

    profile: Annotated[Name, Meta(description="The profile that holds.")]
    reason: Annotated[str, Meta(min_length=1, max_length=200, description="Why; the alert says it.")]
    until: Annotated[
        str,
        Meta(
            pattern="^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(T([01][0-9]|2[0-3]):[0-5][0-9]Z)?$",
            description="Its last day, as YYYY-MM-DD in UTC, or its last minute, as YYYY-MM-DDThh:mmZ. Then the rules go on "
            "by themselves; `--now` says that it can be removed.",
            examples=["2026-12-01", "2026-12-01T14:30Z"],
        ),
    ]


class Forecast(Model, frozen=True, kw_only=True):
    """What the count will be, from what it was."""

    kind: Annotated[
        Literal["linear", "seasonal"],
        Meta(
            description="`linear`: the line through the last `range`. `seasonal`: the mean around the same time of the day a day and "
            "a week before."
        ),
    ] = "linear"
    horizon: Annotated[Duration, Meta(description="How far ahead.")] = "1h"
    range: Annotated[Duration, Meta(description="What the line is laid through; at least four horizons.")] = "4h"
    window: Annotated[Duration, Meta(description="What a season's mean is taken over.")] = "1h"
    limit: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="The count that the time to the limit is for; absent: where the last profile is entered."),
    ] = None
    drives: Annotated[
        bool, Meta(description="Whether thresholds are held against the forecast, too, where it is above the count.")
    ] = False


class Anomaly(Model, frozen=True, kw_only=True):
    """A band around what the count was, outside of which it is unusual."""

    method: Annotated[
        Literal["zscore", "robust"],
        Meta(
            description="`zscore`: mean and standard deviation. `robust`: median and median absolute deviation (times 1.4826), "
            "which single outliers do not move."
        ),
    ] = "robust"
    window: Annotated[Duration, Meta(description="What it is compared with: so long before now.")] = "1h"
    deviations: Annotated[float, Meta(gt=0, description="Half of the band's width, in deviations.")] = 3
    margin: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="Half of the band's width is at least this share of its centre: a flat series has no deviation.",
        ),
    ] = 0.1
    for_: Annotated[Duration, Meta(description="The alert waits so long.")] = "5m"


class Oscillation(Model, frozen=True, kw_only=True):
    """Too many changes of profile."""

    max: Annotated[int, Meta(ge=1, description="More changes than this within the window are an oscillation.")] = 3
    window: Annotated[Duration, Meta(description="The window.")] = "10m"
    fallback: Annotated[Name, Meta(description="The profile that is advised then.")] = "balanced"


class RiskWeights(Model, frozen=True, kw_only=True):
    """What each sign adds to the risk score; half a limit adds half of it."""

    series: Annotated[Ratio, Meta(description="Active series above `limit`.")] = 0.4
    growth: Annotated[Ratio, Meta(description="Growth above `growth`.")] = 0.4
    anomaly: Annotated[Ratio, Meta(description="A count further than `zscore` from its hourly mean.")] = 0.2


class Explosion(Model, frozen=True, kw_only=True):
    """Growth that calls for the last profile at once."""

    growth: Annotated[float, Meta(gt=0, description="Series a second.")] = 10000
    limit: Annotated[int, Meta(ge=1, description="Active series at which it is an emergency whatever the growth.")] = (
        1000000
    )
    zscore: Annotated[float, Meta(gt=0, description="Distance from the hourly mean, in standard deviations.")] = 3
    risk: Annotated[Ratio, Meta(description="Risk score above which the last profile is advised.")] = 0.7
    weights: Annotated[RiskWeights, Meta(description="What the risk score is made of.")] = RiskWeights()


class Limit(Model, frozen=True, kw_only=True):
    """When an alert of the platform fires."""

    value: Annotated[float, Meta(ge=0, description="The limit.", examples=[0.95])]
    for_: Annotated[Duration, Meta(description="It must be passed for so long.", examples=["5m"])]


class Objectives(Model, frozen=True, kw_only=True):
    """What the controlled pipeline owes; `PhoenixSLOViolation` fires while one of them is missed."""

    preservation: Annotated[Ratio, Meta(description="Share of protected processes that stay visible.")] = 0.98
    reduction: Annotated[Ratio, Meta(description="Share of series that is saved.")] = 0.15
    latency_ms: Annotated[
        float, Meta(gt=0, description="99th percentile of the time that its processors take, in milliseconds.")
    ] = 50
    for_: Annotated[Duration, Meta(description="One of them must be missed for so long.")] = "10m"


class Guard(Model, frozen=True, kw_only=True):
    """When the platform's own alerts fire."""

    signal_degradation: Annotated[
        Limit, Meta(description="Share of protected processes that stay visible, below which to warn.")
    ] = Limit(value=0.95, for_="5m")
    cardinality_explosion: Annotated[
        Limit,
        Meta(description="Growth in series a second above which, with a z-score above `explosion.zscore`, to page."),
    ] = Limit(value=1000, for_="2m")
    resource_exhaustion: Annotated[
        Limit, Meta(description="Share of a collector's memory limit above which to page.")
    ] = Limit(value=0.9, for_="5m")
    control_instability: Annotated[
        Limit, Meta(description="Stability score of the control law below which to warn.")
    ] = Limit(value=0.8, for_="10m")
    objectives: Annotated[Objectives, Meta(description="What the controlled pipeline owes.")] = Objectives()


class ControlPolicySpec(Model, frozen=True, kw_only=True):
    """The control law."""

    mode: Annotated[
        Literal["shadow", "advisory", "active"],
        Meta(
            description="`shadow` records what it would do; `advisory` also alerts a person to do it. `active` is refused: only Git "
            "changes what runs."
        ),
    ] = "shadow"
    input: Annotated[
        Name,
        Meta(
            description="The pipeline whose active series are controlled.",
            extra_json_schema=reference("Pipeline"),
        ),
    ] = "optimized"
    set_point: Annotated[int, Meta(ge=1, description="Active series to aim at.")] = 20000
    profiles: Annotated[
        list[Profile],
        Meta(
            min_length=2,
            description="The profiles, from the most faithful to the thriftiest.",
            extra_json_schema={"x-phoenix-merge-key": "name"},
        ),
    ]
    hysteresis: Annotated[
        Ratio,
        Meta(
            description="The outer profiles hold on beyond their threshold by this share of it: the first is left above threshold x (1 "
            "+ h), the last below threshold x (1 - h)."
        ),
    ] = 0.1
    interval: Annotated[Duration, Meta(description="Time between two decisions.")] = "60s"
    stability: Annotated[Duration, Meta(description="A profile is held at least so long.")] = "120s"
    pid: Annotated[Pid, Meta(description="Gains of the recorded controller.")] = Pid()
    override: Annotated[Override | None, Meta(description="A profile set by hand for a while.")] = None
    forecast: Annotated[Forecast | None, Meta(description="What the count will be; absent: none.")] = None
    anomaly: Annotated[Anomaly | None, Meta(description="When the count is unusual; absent: nothing is said.")] = None
    oscillation: Annotated[Oscillation, Meta(description="Too many changes of profile.")] = Oscillation()
    lockout: Annotated[Duration, Meta(description="After an emergency no change is advised for so long.")] = "5m"
    explosion: Annotated[Explosion, Meta(description="Growth that calls for the last profile at once.")] = Explosion()
    guard: Annotated[Guard, Meta(description="When the platform's own alerts fire.")] = Guard()
    cost_reduction_target: Annotated[
        Ratio,
        Meta(description="Share of series that the controlled pipeline is to save against the full one."),
    ] = 0.7


class ControlPolicy(Model, frozen=True, kw_only=True):
    """Thresholds, hysteresis and hold of the pipeline profiles, compiled to recording rules."""

    metadata: Metadata
    spec: ControlPolicySpec
