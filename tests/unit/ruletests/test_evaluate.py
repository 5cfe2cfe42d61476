"""The evaluator, against values worked out by hand."""

from __future__ import annotations

import math

import pytest

from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.evaluate import Evaluator, Series
from phoenix_gitops.promql.functions import UnknownHereError

MINUTE = 60_000
SERIES = (
    Series({"__name__": "c", "a": "1"}, [60.0 * i + 1e6 for i in range(31)], MINUTE),
    Series({"__name__": "c", "a": "2"}, [120.0 * i + 1e6 for i in range(31)], MINUTE),
    Series({"__name__": "g", "a": "1"}, [float(i) for i in range(31)], MINUTE),
    Series({"__name__": "g", "a": "2"}, [5.0] * 10, MINUTE),
    Series({"__name__": "late", "a": "1"}, [4.0, None, 2.0], MINUTE, missing=10),
    Series({"__name__": "b", "le": "1"}, [9.0], MINUTE, missing=20),
    Series({"__name__": "b", "le": "2"}, [10.0], MINUTE, missing=20),
    Series({"__name__": "b", "le": "+Inf"}, [10.0], MINUTE, missing=20),
)
CASES = {
    "rate(c[5m])": {"a=1": 1.0, "a=2": 2.0},
    "sum(rate(c[5m]))": {"": 3.0},
    "sum by (a) (increase(c[10m]))": {"a=1": 600.0, "a=2": 1200.0},
    "g": {"a=1": 20.0},
    "g > 20": {},
    "g >= bool 20": {"a=1": 1.0},
    "avg_over_time(g[4m])": {"a=1": 18.5},
    "max_over_time(g[15m])": {"a=1": 20.0, "a=2": 5.0},
    "deriv(g[5m]) * 60": {"a=1": 1.0},
    "g offset 15m": {"a=1": 5.0, "a=2": 5.0},
    "c / on (a) g": {"a=1": 50_060.0},
    "c unless on (a) g": {"a=2": 1_002_400.0},
    "g or c": {"a=1": 20.0, "a=2": 1_002_400.0},
    "c and on (a) g": {"a=1": 1_001_200.0},
    "topk(1, c)": {"a=2": 1_002_400.0},
    'absent(x{y="z"})': {"y=z": 1.0},
    "absent(g)": {},
    "vector(2) + 1": {"": 3.0},
    "clamp_max(g, 3)": {"a=1": 3.0},
    "histogram_quantile(0.45, b)": {"": 0.5},
    "histogram_quantile(0.95, b)": {"": 1.5},
    'label_replace(g, "n", "x-$1", "a", "(.)")': {"a=1,n=x-1": 20.0},
    "0 / (g - 20)": {"a=1": math.nan},
    "count_over_time(late[20m])": {"a=1": 2.0},
    "late": {},
}


@pytest.mark.parametrize("text", CASES)
def test_results(text):
    found = Evaluator(SERIES).vector(syntax.parse(text), 20 * MINUTE)
    shown = {",".join(f"{k}={v}" for k, v in labels): value for labels, value in found.items()}
    assert shown == pytest.approx(CASES[text], nan_ok=True)


@pytest.mark.parametrize("text", ["predict_linear(g[5m], 60)", "max_over_time(g[5m:1m])", "g @ 5", "quantile(0.5, g)"])
def test_what_is_not_known_is_said(text):
    with pytest.raises(UnknownHereError):
        Evaluator(SERIES).vector(syntax.parse(text), 20 * MINUTE)
