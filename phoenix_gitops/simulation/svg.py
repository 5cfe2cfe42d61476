"""A simulation as one SVG file that needs nothing else: the count above, then profile, output and alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from phoenix_gitops.rules import control, outlook
from phoenix_gitops.simulation import words
from phoenix_gitops.simulation.run import Line, Run

_WIDTH, _LEFT, _RIGHT = 960, 70, 190
_CHART, _STRIP, _BAR = 260, 70, 18
_STYLE = """
text{font:12px sans-serif;fill:#333}.title{font-size:15px;font-weight:bold}.small{font-size:11px;fill:#666}
.axis{stroke:#999;stroke-width:1}.grid{stroke:#e5e5e5;stroke-width:1}.line{fill:none;stroke-width:1.8}
.count{stroke:#1f5fa8}.forecast{stroke:#c26a00;stroke-dasharray:5 3}.band{fill:#1f5fa8;opacity:.13}
.threshold{stroke:#b03030;stroke-width:1;stroke-dasharray:2 4}.limit{fill:#b03030;font-size:11px}
.profile{stroke:#2a7d3c;stroke-width:2.2}.before{stroke:#888;stroke-dasharray:4 3}.output{stroke:#6a3d9a}
.info{fill:#7fa7d6}.warning{fill:#e0a030}.critical{fill:#c93c3c}
""".strip()


def svg(run: Run, against: Run | None, *, trace: str, other: str = "") -> str:
    """The picture; `other` says what `against` is."""
    names = list(dict.fromkeys((words.alert(f), f.severity) for f in run.firings))
    notes = [*words.totals(run)][:3]
    if against is not None:
        notes += [f"before ({other}): {line}" for line in [*words.totals(against)][:3]]
    top, profile = 56, 56 + _CHART + 34
    output, bars = profile + _STRIP + 26, profile + 2 * (_STRIP + 26)
    below = bars + len(names) * (_BAR + 6) + (14 if names else 0)
    height = below + 18 * len(notes) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'role="img"><title>{escape(words.title(run))}</title><style>{_STYLE}</style>',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        _text(_LEFT, 24, words.title(run), "title"),
        _text(_LEFT, 42, f"{trace}: {run.count} steps of {run.setting.spec.interval}", "small"),
        *_count(run, top),
        *_steps(run, against, profile),
        *_output(run, output),
        *_alerts(run, names, bars),
        *(_text(_LEFT, below + 18 * i + 8, note, "small") for i, note in enumerate(notes)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _text(x: float, y: float, text: str, style: str = "", anchor: str = "start") -> str:
    return f'<text x="{_at(x)}" y="{_at(y)}" class="{style}" text-anchor="{anchor}">{escape(text)}</text>'


def _at(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _x(run: Run, step: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * step / max(1, run.count - 1)


def _y(value: float, low: float, high: float, top: int, height: int) -> float:
    return top + height - height * (min(max(value, low), high) - low) / (high - low or 1)


def _path(points: Sequence[tuple[float, float] | None], style: str) -> str:
    """A line through points, broken where one is missing."""
    drawn, pen = [], "M"
    for point in points:
        if point is None:
            pen = "M"
            continue
        drawn.append(f"{pen}{_at(point[0])} {_at(point[1])}")
        pen = "L"
    return f'<path class="line {style}" d="{" ".join(drawn)}"/>' if drawn else ""


def _frame(run: Run, top: int, height: int, label: str) -> Iterator[str]:
    end = _WIDTH - _RIGHT
    for i in range(5):
        x = _x(run, i * (run.count - 1) / 4)
        yield f'<line class="grid" x1="{_at(x)}" x2="{_at(x)}" y1="{top}" y2="{top + height}"/>'
    yield f'<line class="axis" x1="{_LEFT}" x2="{_LEFT}" y1="{top}" y2="{top + height}"/>'
    yield f'<line class="axis" x1="{_LEFT}" x2="{end}" y1="{top + height}" y2="{top + height}"/>'
    yield _text(end + 8, top + 12, label)


def _count(run: Run, top: int) -> Iterator[str]:
    counts = [value for value in run.lines[outlook.INPUT] if value is not None]
    levels = list(words.thresholds(run))
    high = 1.1 * max([*counts, *(level for _, level in levels), 1.0])

    def points(line: Line) -> list[tuple[float, float] | None]:
        return [None if v is None else (_x(run, i), _y(v, 0, high, top, _CHART)) for i, v in enumerate(line)]

    yield from _frame(run, top, _CHART, "")
    for i in range(5):
        level = high * i / 4
        yield _text(_LEFT - 6, _y(level, 0, high, top, _CHART) + 4, words.figure(level), "small", "end")
    lower, upper = points(run.lines[outlook.LOWER]), points(run.lines[outlook.UPPER])
    yield from _bands(lower, upper)
    for _, level in levels:
        y = _at(_y(level, 0, high, top, _CHART))
        yield f'<line class="threshold" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
    last = float(top + _CHART + 12)
    for meaning, level in sorted(levels, key=lambda item: item[1]):
        # Labels of thresholds that lie close to one another stand above one another.
        last = min(last - 12, _y(level, 0, high, top, _CHART) + 4)
        yield _text(_WIDTH - _RIGHT + 8, last, meaning, "limit")
    yield _path(points(run.lines[outlook.FORECAST]), "forecast")
    yield _path(points(run.lines[outlook.INPUT]), "count")
    yield from _key(run, top + 12)
    for i in range(5):
        step = round(i * (run.count - 1) / 4)
        yield _text(_x(run, step), top + _CHART + 16, words.elapsed(run, step), "small", "middle")


def _key(run: Run, y: int) -> Iterator[str]:
    """Which line is what, in the picture's upper left corner."""
    x = _LEFT + 12
    shown = [("count", "series", outlook.INPUT), ("forecast", "forecast", outlook.FORECAST)]
    for style, name, record in shown:
        if any(value is not None for value in run.lines[record]):
            yield f'<line class="line {style}" x1="{x}" x2="{x + 22}" y1="{y - 4}" y2="{y - 4}"/>'
            yield _text(x + 28, y, name, "small")
            x += 100
    if any(value is not None for value in run.lines[outlook.UPPER]):
        yield f'<rect class="band" x="{x}" y="{y - 9}" width="22" height="10"/>' + _text(x + 28, y, "band", "small")


def _bands(lower: Sequence[tuple[float, float] | None], upper: Sequence[tuple[float, float] | None]) -> Iterator[str]:
    """The band as areas, one for each run of steps that have one."""
    held: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for low, high in [*zip(lower, upper, strict=True), (None, None)]:
        if low is not None and high is not None:
            held.append((low, high))
        elif held:
            around = [high for _, high in held] + [low for low, _ in reversed(held)]
            yield '<polygon class="band" points="' + " ".join(f"{_at(x)},{_at(y)}" for x, y in around) + '"/>'
            held = []


def _steps(run: Run, against: Run | None, top: int) -> Iterator[str]:
    names = list(run.profiles)
    yield from _frame(run, top, _STRIP, "profile")
    high = max(len(names), len(against.profiles) if against else 0) - 1
    for i, name in enumerate(names):
        yield _text(_LEFT - 6, _y(i, 0, high, top + 8, _STRIP - 16) + 4, name, "small", "end")
    for one, style in ((against, "before"), (run, "profile")):
        if one is None:
            continue
        points: list[tuple[float, float] | None] = []
        for i, profile in enumerate(one.lines[control.PROFILE]):
            y = None if profile is None else _y(profile, 0, high, top + 8, _STRIP - 16)
            points += [None] if y is None else [(_x(run, i), y), (_x(run, min(i + 1, run.count - 1)), y)]
        yield _path(points, style)
    if against is not None:
        yield _text(_WIDTH - _RIGHT + 8, top + 28, "dashed: before", "small")


def _output(run: Run, top: int) -> Iterator[str]:
    line = run.lines[control.OUTPUT]
    there = [value for value in line if value is not None]
    low, high = min([0.0, *there]), max([0.0, *there])
    yield from _frame(run, top, _STRIP, "controller's output")
    for level in sorted({low, 0.0, high}):
        yield _text(_LEFT - 6, _y(level, low, high, top, _STRIP) + 4, words.figure(level), "small", "end")
    points = [None if v is None else (_x(run, i), _y(v, low, high, top, _STRIP)) for i, v in enumerate(line)]
    yield _path(points, "output")


def _alerts(run: Run, names: Sequence[tuple[str, str]], top: int) -> Iterator[str]:
    for row, (name, severity) in enumerate(names):
        y = top + row * (_BAR + 6)
        for firing in run.firings:
            if words.alert(firing) == name:
                x, end = _x(run, firing.start), _x(run, run.count - 1 if firing.end is None else firing.end)
                yield (
                    f'<rect class="{severity}" x="{_at(x)}" y="{y}" width="{_at(max(2.0, end - x))}" height="{_BAR}"/>'
                )
        yield _text(_LEFT + 4, y + 13, f"{name} ({severity})", "small")
