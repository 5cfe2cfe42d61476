"""How far two engines may differ over the same samples, and where they differ by more.

They compute rates differently, and this is all that follows from it:

- Prometheus takes the samples in a range and extrapolates to its ends; VictoriaMetrics takes the last sample before the
  range too, and extrapolates nothing. So where a rate changes, one is a scrape ahead of the other: a value must lie
  between those of the other engine one evaluation earlier and later.
- What has once been recorded differently goes on in sums over time: by `TOLERANCE` of the series' greatest value.
- A rate over a range that began before its series did is a part of the rate to Prometheus and all of it to
  VictoriaMetrics: the first `YOUNG` seconds are not compared.
- `deriv()` of a single sample is nothing to Prometheus and 0 to VictoriaMetrics, and a series that ends at this moment
  is gone to one and there to the other: where a series begins and ends may differ by `EDGE` evaluations.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.proof.replay.engines import Samples

TOLERANCE = 0.02
YOUNG = 300
EDGE = 2


def disagreements(ours: Samples, theirs: Samples, step: int) -> Iterator[str]:
    """What is not the same in both, of one recorded name that is evaluated every `step` seconds."""
    for labels in sorted(ours.keys() ^ theirs.keys(), key=sorted):
        yield f"{dict(sorted(labels))} is in one engine only"
    for labels in sorted(ours.keys() & theirs.keys(), key=sorted):
        one, other = ours[labels], theirs[labels]
        for found in (*_presence(one, other, step), *_values(one, other, step)):
            yield f"{dict(sorted(labels))} {found}"


def _presence(one: dict[int, float], other: dict[int, float], step: int) -> Iterator[str]:
    alone = one.keys() ^ other.keys()
    for at in sorted(alone):
        if at - step not in alone and all(at + i * step in alone for i in range(EDGE + 1)):
            yield f"is in one engine only from {at} s on, for more than {EDGE} evaluations"


def _values(one: dict[int, float], other: dict[int, float], step: int) -> Iterator[str]:
    greatest = max((abs(value) for value in (*one.values(), *other.values())), default=0.0)
    slack = TOLERANCE * greatest + 1e-9
    for at in sorted(one.keys() & other.keys()):
        near = [one[t] for t in (at - step, at, at + step) if t in one]
        if at >= YOUNG and not min(near) - slack <= other[at] <= max(near) + slack:
            yield f"is {one[at]} in one engine and {other[at]} in the other at {at} s"
            return
