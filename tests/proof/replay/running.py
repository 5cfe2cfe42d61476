"""A story told to both engines: samples written, every group replayed in its layer, the latch simulated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from phoenix_gitops.rules import control, control_law
from phoenix_gitops.scope import EnvironmentScope
from phoenix_gitops.world import World
from tests.proof.replay import engines, remote_write, rules, story
from tests.proof.replay.engines import Engine
from tests.proof.replay.series import Series

LATCH = "phoenix-control"
"""The group that reads its own last values. No replay can feed these back: rule after rule goes over the whole time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A story that both engines know to its end."""

    story: story.Story
    world: World
    groups: list[rules.Group]
    inputs: list[Series]
    prometheus: Engine
    victoria: Engine

    @property
    def engines(self) -> tuple[Engine, Engine]:
        """Both."""
        return self.prometheus, self.victoria


@contextmanager
def told(folder: Path, world: World, one: story.Story, cluster: str) -> Iterator[Told]:
    """Both engines after the story; they are stopped on the way out."""
    groups = rules.cluster_groups(one.environment, cluster)
    inputs = story.samples(one, world)
    with ExitStack() as stack:
        both = (
            stack.enter_context(engines.prometheus(folder)),
            stack.enter_context(engines.victoria_metrics(folder)),
        )
        _write(both, inputs)
        for layer in rules.layers(groups):
            rules.replay(folder, both, [group for group in layer if group["name"] != LATCH], story.END)
            if any(group["name"] == LATCH for group in layer):
                _write(both, list(_latch(both[1], world.environment(one.environment))))
        yield Told(story=one, world=world, groups=groups, inputs=inputs, prometheus=both[0], victoria=both[1])


def _write(both: Sequence[Engine], series: list[Series]) -> None:
    for body in remote_write.bodies(series):
        for engine in both:
            engine.write([body])
    for engine in both:
        engine.flush()


def _latch(engine: Engine, env: EnvironmentScope) -> Iterator[Series]:
    """What the law does with the recorded input; `test_rule_semantics` holds both engines to the same law."""
    assert env.control is not None
    law = control_law.law(env.control.spec)
    step = law.interval_ms // 1000
    series, emergencies = (_by_time(engine, name) for name in (control.INPUT, control.EMERGENCY))
    state = control_law.State()
    profiles: dict[int, float] = {}
    integrals: dict[int, float] = {}
    for at in range(0, story.END + 1, step):
        state = control_law.step(law, state, series.get(at), risk=float(emergencies.get(at, 0)))
        profile, integral = state.profiles[-1], state.integrals[-1]
        if profile is not None and integral is not None:
            profiles[at], integrals[at] = profile, integral
    changed = {
        at: float(profiles[at - step] != profiles.get(at - 2 * step, profiles[at - step]))
        for at in range(step, story.END + 1, step)
        if at - step in profiles
    }
    recorded = {control.PROFILE: profiles, control.INTEGRAL: integrals, control.CHANGED: changed}
    for name, values in recorded.items():
        labels = {"__name__": name, "phoenix_pipeline": env.control.spec.input}
        after = {at + step: None for at in values if at + step not in values and at + step <= story.END}
        yield Series(labels, tuple(sorted({**values, **after}.items())))


def _by_time(engine: Engine, name: str) -> dict[int, float]:
    (found,) = engine.samples(name, story.END).values()
    return found
